import { expect, type APIResponse, type BrowserContext } from '@playwright/test';
import { codeIn, letter, mailCount, type Letter } from './mail';

/** The answers of the demo's supplier flow that everybody must give. */
export const supplierAnswers = {
  givenNames: 'Maria',
  familyName: 'Lindqvist',
  company: 'Fabrikam GmbH',
  jobTitle: 'Service engineer',
  why: 'deliver',
  purpose: 'Compressor maintenance, hall 3',
};

/** The body of a good answer; a bad one fails the test with what it said. */
async function ok(res: APIResponse): Promise<any> {
  // Answers are held against the contract by the Go journeys; here they are only read.
  expect(res.ok(), `${res.url()} → ${res.status()} ${await res.text()}`).toBe(true);
  return res.status() === 204 ? {} : await res.json();
}

/** The way to a state that is not the story's own subject, through the doors that the app uses, with its cookies. */
export class Doors {
  constructor(
    private readonly context: BrowserContext,
    private readonly url: string,
  ) {}

  /** A write as the app's own pages send it: with its cookies, it has to say where it comes from. */
  private write = (path: string, data: unknown, headers: Record<string, string> = {}, at = this.url) =>
    this.context.request.post(at + path, { data, headers: { ...headers, Origin: at } });

  post = async (path: string, data: unknown = undefined, headers?: Record<string, string>, at?: string) =>
    ok(await this.write(path, data, headers, at));
  private get = async (path: string) => ok(await this.context.request.get(this.url + path));

  /** Begins a sign-up and has a code sent, in another house than the demo's if at is given. */
  async begin(flow: string, email: string, locale: string, at = this.url): Promise<void> {
    const headers = { 'Accept-Language': locale };
    const { id } = await this.post('/api/v1/signups', { flow, locale }, headers, at);
    await this.post(`/api/v1/signups/${id}/email`, { email }, headers, at);
  }

  /** Signs up to the proof of the address and returns the sign-up's id. */
  async prove(flow: string, email: string, locale = 'en'): Promise<string> {
    const headers = { 'Accept-Language': locale };
    const { id } = await this.post('/api/v1/signups', { flow, locale }, headers);
    const seen = await mailCount(email);
    await this.post(`/api/v1/signups/${id}/email`, { email }, headers);
    await this.post(`/api/v1/signups/${id}/code`, { code: codeIn(await letter(email, { seen })) });
    await this.remember('vestibule.join', flow);
    return id;
  }

  /** What the app keeps in the browser's storage when it goes through these doors itself. */
  private remember = (key: string, value: string) =>
    this.context.addInitScript(
      ([k, v]) => {
        try {
          if (!sessionStorage.getItem(`e2e.${k}`)) localStorage.setItem(k as string, v as string);
          sessionStorage.setItem(`e2e.${k}`, 'told');
        } catch {
          // a page without storage, such as about:blank
        }
      },
      [key, value],
    );

  /** Sends a request and returns its reference. */
  async ask(flow: string, email: string, answers: Record<string, unknown>, locale = 'en'): Promise<string> {
    return this.submit(flow, await this.prove(flow, email, locale), answers);
  }

  /** Sends a proven sign-up with every consent and returns the request's reference. */
  async submit(flow: string, id: string, answers: Record<string, unknown>): Promise<string> {
    const { terms } = await this.get(`/api/v1/flows/${flow}`);
    const consents = terms.map((t: { id: string; version: string }) => ({ terms: t.id, version: t.version }));
    const receipt = await this.post(`/api/v1/signups/${id}/submit`, { answers, consents });
    return receipt.reference as string;
  }

  /** Signs in by mailed code. */
  async signIn(email: string): Promise<void> {
    const seen = await mailCount(email);
    await this.post('/api/v1/signin', { email });
    await this.post('/api/v1/signin/code', { code: await this.signInCode(email, seen) });
    await this.remember('vestibule.signedin', '1');
  }

  /**
   * The code of the sign-in that this browser has begun, out of the person's mails after `seen` others. Other tests may be
   * signing the same person in: whose a mail is says its link. Trying its code would not: a sign-in has five tries, and a
   * person ten wrong ones an hour.
   */
  async signInCode(email: string, seen: number): Promise<string> {
    let next = seen;
    let code: string | undefined;
    await expect
      .poll(
        async () => {
          for (; !code && next < (await mailCount(email)); next++) {
            const mail = await letter(email, { seen: next });
            if (await this.began(mail)) code = codeIn(mail);
          }
          return code !== undefined;
        },
        { message: `a sign-in code for ${email}`, timeout: 30_000, intervals: [100] },
      )
      .toBe(true);
    return code as string;
  }

  /** Whether a mail is about a sign-in that this browser has begun. Looking at its link changes nothing. */
  private async began(mail: Letter): Promise<boolean> {
    const path = /\/l\/[A-Za-z0-9_-]+/.exec(mail.Text)?.[0];
    if (!path) return false; // a mail about something else
    await this.context.request.get(this.url + path, { maxRedirects: 0 });
    const link = await this.get('/api/v1/link');
    return link.purpose === 'signin' && link.sameBrowser === true;
  }

  /** The id of the request with this reference in the approver's queue. */
  async approvalID(reference: string): Promise<string> {
    const { data } = (await this.get(`/api/v1/approvals?search=${reference}`));
    expect(data).toHaveLength(1);
    return (data[0] as { id: string }).id;
  }

  decide = (id: string, body: Record<string, unknown>) => this.post(`/api/v1/approvals/${id}/decision`, body);
  question = (id: string, text: string) => this.post(`/api/v1/approvals/${id}/ask`, { text });
  read = this.get;
}
