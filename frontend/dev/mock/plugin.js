// A small stand-in for the server while pages are drawn (`npm run dev` without VESTIBULE_API). In memory, forgets on
// restart, checks nothing but the code 482913. Nothing of it is built or shipped.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { apps, flow, me, tenant } from './data.js';
import { staff } from './staff.js';

const CODE = '482913';
const later = (/** @type {number} */ s) => new Date(Date.now() + s * 1000).toISOString();

/** @returns {import('vite').Plugin} */
export function mockApi() {
  const house = { signup: null, request: null, signedIn: process.env.MOCK_ME || '' };
  return {
    name: 'vestibule:mock',
    apply: 'serve',
    configureServer(server) {
      server.middlewares.use((req, res, next) => {
        const url = new URL(req.url ?? '/', 'http://mock');
        if (url.pathname.startsWith('/mock-assets/')) return asset(url.pathname, res, next);
        if (!url.pathname.startsWith('/api/v1/')) return next();
        let text = '';
        req.on('data', (chunk) => (text += chunk));
        req.on('end', () => {
          const body = text ? JSON.parse(text) : undefined;
          const lang = (req.headers['accept-language'] ?? 'en').slice(0, 2);
          answer(
            house,
            { method: req.method ?? 'GET', path: url.pathname.slice(7), query: url.searchParams, body, lang },
            res,
          );
        });
      });
    },
  };
}

function asset(path, res, next) {
  const file = fileURLToPath(new URL(`./assets/${path.slice(13)}`, import.meta.url));
  if (!existsSync(file)) return next();
  res.setHeader('Content-Type', 'image/svg+xml');
  res.end(readFileSync(file));
}

const json = (res, status, body) => {
  res.statusCode = status;
  res.setHeader('Content-Type', status >= 400 ? 'application/problem+json' : 'application/json');
  res.end(JSON.stringify(body));
};
const problem = (res, status, code, detail) =>
  json(res, status, { type: 'about:blank', title: code, status, code, detail, requestId: '01JCX7PD4MMOCK' });

function answer(house, call, res) {
  const key = `${call.method} ${call.path}`;
  for (const [pattern, act] of [...ROUTES, ...staff]) {
    const found = pattern.exec(key);
    if (found) return act({ ...call, house, res, args: found.slice(1), json, problem });
  }
  problem(res, 404, 'not_found', 'There is nothing to show you at this address.');
}

const signupView = (house) => house.signup;

const ROUTES = [
  [/^GET \/tenant$/, ({ res }) => json(res, 200, tenant)],
  [
    /^GET \/flows\/closed$/,
    ({ res }) => problem(res, 410, 'flow_closed', 'This sign-up closed on 1 November.'),
  ],
  [
    /^GET \/flows\/([^/]+)$/,
    ({ res, args, lang }) => {
      const found = flow(args[0], lang);
      return found ? json(res, 200, found) : problem(res, 404, 'flow_unknown', 'There is no such sign-up.');
    },
  ],
  [/^GET \/signups\/current$/, ({ res, house }) => json(res, 200, { signup: house.signup })],
  [
    /^POST \/signups$/,
    ({ res, house, body }) => {
      const flowName = body.flow ?? 'supplier';
      house.signup = {
        id: 'sgn_1',
        flow: flowName,
        flowVersion: 4,
        step: 'identity',
        expiresAt: later(3600),
      };
      house.reference = body.reference;
      json(res, 201, house.signup);
    },
  ],
  [/^GET \/signups\/[^/]+$/, ({ res, house }) => json(res, 200, signupView(house))],
  [
    /^POST \/signups\/[^/]+\/email$/,
    ({ res, house, body }) => {
      const sent = { step: 'code', codeLength: 6, expiresAt: later(600), resendAt: later(30) };
      const { email } = body;
      if (email.endsWith('@gmail.com')) {
        return problem(res, 422, 'email_domain_not_accepted', 'Use the email address your company gave you.');
      }
      Object.assign(house.signup, {
        step: 'code',
        email,
        codeLength: 6,
        codeExpiresAt: sent.expiresAt,
        resendAt: sent.resendAt,
      });
      json(res, 202, sent);
    },
  ],
  [
    /^POST \/signups\/[^/]+\/code$/,
    ({ res, house, body }) => {
      if (body.code !== CODE) {
        return problem(
          res,
          422,
          'code_wrong',
          'That code isn’t right. Check the newest email, or send a new one.',
        );
      }
      const seen = house.reference
        ? { step: 'request', reference: house.reference }
        : { step: 'details', answers: {} };
      if (house.reference) house.request ??= request(house.signup, {}, 'supplier');
      Object.assign(house.signup, seen, { expiresAt: later(7 * 86400) });
      json(res, 200, house.signup);
    },
  ],
  [
    /^PATCH \/signups\/[^/]+$/,
    ({ res, house, body }) => {
      Object.assign(house.signup, {
        answers: { ...house.signup.answers, ...body.answers },
        savedAt: later(0),
      });
      json(res, 200, house.signup);
    },
  ],
  [
    /^POST \/signups\/[^/]+\/submit$/,
    ({ res, house, body }) => {
      house.request = request(house.signup, body.answers, house.signup.flow);
      Object.assign(house.signup, { step: 'request', reference: house.request.reference });
      json(res, 202, {
        reference: house.request.reference,
        state: 'submitted',
        statusUrl: '/requests/7KQ-42M-9',
      });
    },
  ],
  [
    /^GET \/link$/,
    ({ res }) =>
      json(res, 200, {
        state: 'ready',
        purpose: 'signup',
        sameBrowser: true,
        flow: 'supplier',
        flowTitle: 'Supplier access',
        email: 'm•••@fabrikam.de',
        askedAt: later(-120),
        askedFrom: 'Chrome, Android',
      }),
  ],
  [/^POST \/link$/, ({ res }) => json(res, 200, { purpose: 'signup', next: '/join/supplier/details' })],
  [
    /^GET \/requests\/[^/]+$/,
    ({ res, house }) =>
      house.request ? json(res, 200, house.request) : problem(res, 404, 'request_unknown', 'Not here.'),
  ],
  [
    /^POST \/requests\/[^/]+\/withdraw$/,
    ({ res, house }) => {
      Object.assign(house.request, { state: 'withdrawn', canWithdraw: false });
      house.request.steps[1] = { id: 'decision', state: 'stopped', at: later(0) };
      json(res, 200, house.request);
    },
  ],
  [
    /^POST \/requests\/[^/]+\/reply$/,
    ({ res, house, body }) => {
      house.request.state = 'pending';
      house.request.messages.push({ id: 'msg_2', from: 'applicant', text: body.text, at: later(0) });
      json(res, 200, house.request);
    },
  ],
  // For drawing: put the request into any state.
  [
    /^POST \/mock\/request$/,
    ({ res, house, body }) => {
      house.signup ??= { id: 'sgn_1', email: 'maria.lindqvist@fabrikam.de', flow: 'supplier' };
      house.request = { ...request(house.signup, {}, 'supplier'), ...body };
      json(res, 200, house.request);
    },
  ],
  [
    /^POST \/signin$/,
    ({ res }) => json(res, 200, { next: 'code', codeLength: 6, expiresAt: later(600), resendAt: later(30) }),
  ],
  [
    /^POST \/signin\/code$/,
    ({ res, house, body }) => {
      if (body.code !== CODE) return problem(res, 422, 'code_wrong', 'That code isn’t right.');
      house.signedIn = 'guest';
      json(res, 200, { next: '/apps', me: me.guest });
    },
  ],
  [
    /^POST \/signout$/,
    ({ res, house }) => {
      house.signedIn = '';
      res.statusCode = 204;
      res.end();
    },
  ],
  [
    /^GET \/me$/,
    ({ res, house }) =>
      house.signedIn
        ? json(res, 200, me[house.signedIn])
        : problem(res, 401, 'not_signed_in', 'Sign in to go on.'),
  ],
  [
    /^GET \/me\/apps$/,
    ({ res }) => json(res, 200, process.env.MOCK_EMPTY ? { data: [], waiting: apps.waiting } : apps),
  ],
];

function request(signup, answers, slug) {
  const shown = Object.entries(answers).map(([name, value]) => ({
    name,
    label: name,
    type: 'text',
    value,
    display: String(value),
  }));
  return {
    reference: '7KQ-42M-9',
    state: 'pending',
    flow: { slug, title: 'Supplier access', version: 4 },
    email: signup.email,
    submittedAt: later(-3600),
    dueAt: later(26 * 3600),
    team: 'the Hamburg site team',
    contact: { name: 'Hamburg site team', email: 'hamburg@contoso.com', phone: '+49 40 5550 120' },
    steps: [
      { id: 'received', state: 'done', at: later(-3600) },
      { id: 'decision', state: 'current', at: later(-3600) },
      { id: 'access', state: 'todo' },
      { id: 'ready', state: 'todo' },
    ],
    messages: [],
    apps: apps.data.slice(0, 3).map((a) => ({ kind: 'app', name: a.name, logoUrl: a.logoUrl })),
    answers: shown,
    canWithdraw: true,
  };
}
