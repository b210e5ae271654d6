// Routes of staff pages for the mock (`MOCK_ME=staff npm run dev`):
// [pattern of "METHOD /path", ({ res, args, query, body, json, problem }) => …]. A handful of people, in memory.
import { apps } from './data.js';

const HOUR = 3_600_000;
const at = (/** @type {number} */ hours) => new Date(Date.now() + hours * HOUR).toISOString();
const grants = apps.data.slice(0, 3).map((a) => ({ kind: 'app', name: a.name, logoUrl: a.logoUrl }));
const flow = { slug: 'supplier', title: 'Supplier access', version: 4 };

/** @param {number} n @param {string} name @param {string} organisation @param {string} purpose @param {number} due */
function asked(n, name, organisation, purpose, due, risk = 'low') {
  const email = `${name.toLowerCase().replace(/[^a-z]+/g, '.')}@${risk === 'look' ? 'gmail.com' : 'partner.example'}`;
  return {
    id: `req_mock${n}`,
    version: 1,
    reference: `7KQ-42M-${n}`,
    state: 'pending',
    applicant: { name, email, organisation, jobTitle: 'Service engineer', locale: 'en' },
    flow,
    purpose,
    submittedAt: at(-3),
    dueAt: at(due),
    risk,
    stage: 1,
    stages: 1,
    team: 'Hamburg site team',
    endsAt: at(180 * 24),
    grants,
    answers: [
      { name: 'company', label: 'Company', type: 'text', value: organisation, display: organisation },
    ],
    consents: [{ terms: 'use', title: 'Terms of use', version: '4', at: at(-3) }],
    evidence: [
      { code: 'address_proved', level: 'good', value: email, at: at(-3) },
      risk === 'look'
        ? { code: 'personal_domain', level: 'look', value: 'gmail.com' }
        : { code: 'colleagues_active', level: 'good', value: 'partner.example', count: 14 },
      { code: 'named_you', level: 'good' },
    ],
    messages: [],
    history: [],
    decisions: [],
    deliveries: [{ id: `mail_${n}`, kind: 'request.received', to: email, state: 'sent', at: at(-3) }],
    canDecide: true,
  };
}

const requests = [
  asked(1, 'Chiara Romano', 'Northwind Traders', 'Audit of delivery papers, week 48', 2),
  asked(2, 'Sam Okafor', 'Okafor Scaffolding', 'Scaffolding for the roof, hall 1', 4, 'look'),
  asked(3, 'Maria Lindqvist', 'Fabrikam GmbH', 'Compressor maintenance, hall 3', 26),
];
const tabs = {
  waiting: (r) => r.state === 'pending',
  asked: (r) => r.state === 'needs_info',
  done: (r) => r.state === 'active' || r.state === 'denied',
};
const find = (id) => requests.find((r) => r.id === id);
const guest = {
  id: 'gst_mock1',
  name: 'Lukas Brandt',
  email: 'lukas.brandt@fabrikam.de',
  state: 'ends_soon',
  organisation: { id: 'org_1', name: 'Fabrikam GmbH' },
  sponsor: { id: 'mbr_1', name: 'Jonas Becker' },
  lastSignInAt: at(-26),
  endsAt: at(11 * 24),
  createdAt: at(-170 * 24),
};
const whole = {
  ...guest,
  jobTitle: 'Service engineer',
  userPrincipalName: 'lukas.brandt_fabrikam.de#EXT#@contoso.com',
  userType: 'Guest',
  creationType: 'SelfServiceSignUp',
  externalUserState: 'Accepted',
  identities: [{ signInType: 'federated', issuer: 'mail', issuerAssignedId: guest.email }],
  attributes: [{ name: 'company', label: 'Company', value: 'Fabrikam GmbH' }],
  grants: grants.map((g, i) => ({
    ...g,
    id: `grt_${i}`,
    targetId: `app_${i}`,
    state: 'active',
    until: guest.endsAt,
    via: flow.title,
  })),
  requests: [],
};
const ana = { kind: 'member', name: 'Ana Ruiz' };
const events = [
  {
    id: 'evt_2',
    at: at(-26),
    name: 'identity.signed_in',
    result: 'ok',
    actor: { kind: 'guest', name: guest.name },
  },
  {
    id: 'evt_1',
    at: at(-27),
    name: 'approval.approved',
    result: 'ok',
    actor: ana,
    data: { reference: '7KQ-42M-9' },
  },
];
const mail = {
  id: 'mail_1',
  to: guest.email,
  from: 'access@partners.example.com',
  subject: '482913 is your Contoso code',
  kind: 'signup.code',
  at: at(-1),
  snippet: 'It works for ten minutes',
};
const named = [{ id: 'org_1', name: 'Fabrikam GmbH' }];
const page = (data) => ({ data, hasMore: false, estimate: data.length });
const published = {
  id: 'flw_1',
  ...flow,
  state: 'open',
  publishedAt: at(-400),
  languages: ['en', 'de', 'ar'],
};

const line = (check, state, title, says, more = {}) => ({
  check,
  state,
  title,
  says,
  code: `health_${check}`,
  ...more,
});
const health = {
  state: 'look',
  checkedAt: new Date().toISOString(),
  version: 'dev',
  checks: [
    line('database', 'ok', 'Database', 'PostgreSQL 17.2, schema 5.', { value: '2 ms' }),
    line('sender', 'look', 'Sender’s domain', 'contoso.com does not say what to do with mail that fails.', {
      mend: 'Publish this record.',
      record: { type: 'TXT', name: '_dmarc.contoso.com', value: 'v=DMARC1; p=none' },
    }),
    line('dkim', 'unknown', 'Signed mail (DKIM)', 'It cannot be seen from here.'),
  ],
};

export const staff = [
  [
    /^GET \/approvals$/,
    ({ res, query, json }) => json(res, 200, page(requests.filter(tabs[query.get('state') ?? 'waiting']))),
  ],
  [
    /^GET \/(?:approvals|decide)\/([^/]+)$/,
    ({ res, args, json }) => json(res, 200, find(args[0]) ?? requests[0]),
  ],
  [
    /^POST \/approvals\/([^/]+)\/decision$/,
    ({ res, args, body, json, problem }) => {
      const r = find(args[0]);
      if (!r?.canDecide)
        return problem(res, 409, 'already_decided', 'Ana Ruiz has decided this request already.');
      const { decision, reason, shareReason } = body;
      Object.assign(r, {
        state: decision === 'approve' ? 'active' : 'denied',
        version: r.version + 1,
        canDecide: false,
        whyNot: 'already_decided',
        decidedAt: at(0),
        decidedBy: 'Jonas Becker',
        decisions: [{ decision, by: 'Jonas Becker', at: at(0), stage: 1, reason, reasonShared: shareReason }],
      });
      json(res, 200, r);
    },
  ],
  [
    /^POST \/approvals\/([^/]+)\/ask$/,
    ({ res, args, body, json }) => {
      const r = find(args[0]);
      r.messages.push({
        id: `msg_${r.version}`,
        from: 'team',
        author: 'Jonas Becker',
        text: body.text,
        at: at(0),
      });
      json(res, 200, Object.assign(r, { state: 'needs_info', version: r.version + 1 }));
    },
  ],
  [
    /^GET \/guests$/,
    ({ res, json }) => json(res, 200, page([{ ...guest, flow: flow.title, apps: 3, groups: 1 }])),
  ],
  [/^GET \/guests\/[^/]+\/timeline$/, ({ res, json }) => json(res, 200, page(events))],
  [/^GET \/guests\/[^/]+$/, ({ res, json }) => json(res, 200, whole)],
  [/^GET \/organisations$/, ({ res, json }) => json(res, 200, page(named))],
  [/^GET \/sponsors$/, ({ res, json }) => json(res, 200, page([guest.sponsor]))],
  [
    /^GET \/flows$/,
    ({ res, json }) => json(res, 200, page([{ ...published, url: 'http://localhost/join/supplier' }])),
  ],
  [/^GET \/flows\/[^/]+\/source$/, ({ res }) => res.end('apiVersion: vestibule/v1\nkind: Flow\n')],
  [/^GET \/health$/, ({ res, json }) => json(res, 200, health)],
  [/^GET \/jobs$/, ({ res, json }) => json(res, 200, page([]))],
  [/^GET \/mailbox$/, ({ res, json }) => json(res, 200, page([mail]))],
  [
    /^GET \/mailbox\/[^/]+\/html$/,
    ({ res }) => res.setHeader('Content-Type', 'text/html').end('<p>482913</p>'),
  ],
  [
    /^GET \/mailbox\/[^/]+$/,
    ({ res, json }) =>
      json(res, 200, { ...mail, text: 'Your code: 482913', headers: [], source: 'Subject: 482913' }),
  ],
  [/^POST \/setup\/check$/, ({ res, json }) => json(res, 200, { expiresAt: at(0.5) })],
];
