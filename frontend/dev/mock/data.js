const icon = (/** @type {string} */ name) => `/mock-assets/${name}.svg`;

export const tenant = {
  name: 'Contoso',
  legalName: 'Contoso AG, Hafenstr. 1, Hamburg',
  contactEmail: 'partners@contoso.com',
  languages: ['en', 'de', 'ar'],
  mailFrom: 'access@partners.example.com',
  demo: true,
  mailbox: true,
  logoUrl: icon('org-contoso'),
  version: 'mock',
};

const L = {
  en: {
    title: 'Get into the Contoso apps you need for your work',
    audience: 'For people at companies that supply or service Contoso sites.',
    description:
      'You ask here, a person at Contoso decides, and you sign in with the account you already have.',
    needs: ['Your work email, and the address of your Contoso contact if you have one'],
    answer: 'Usually within 1 working day',
    about: 'About you',
    work: 'About your work',
    given: 'Given names',
    family: 'Family name',
    company: 'Company',
    country: 'Country of your company',
    why: 'Why do you need access?',
    whyMissing: 'Choose why you need access',
    deliver: 'I deliver to a Contoso site',
    maintain: 'I maintain equipment',
    other: 'Something else',
    site: 'Which site?',
    more: 'What do you need it for?',
    contact: 'Your contact at Contoso',
    contactHint: 'The email address of the person who knows you',
    rules: 'I have read the site rules',
    rulesMissing: 'Confirm that you have read the site rules',
    start: 'When do you start?',
    team: 'The Hamburg site team at Contoso',
    terms: 'Terms of use',
    termsText: 'I agree to the terms of use',
    privacyTitle: 'Privacy notice',
    privacyText: 'I have read the privacy notice',
    privacy: 'As long as you have access, and 12 months after. If they say no, 90 days.',
    supplier: 'for orders and delivery notes',
    drawings: 'for plans and parts lists',
    tickets: 'for faults and repairs',
  },
  ar: {
    title: 'ادخل إلى تطبيقات كونتوسو التي تحتاجها لعملك',
    audience: 'للعاملين في الشركات التي تورّد إلى مواقع كونتوسو أو تخدمها.',
    description: 'تطلب هنا، ويقرّر شخص في كونتوسو، ثم تسجّل الدخول بالحساب الذي لديك.',
    needs: ['بريد عملك، وعنوان جهة اتصالك في كونتوسو إن وُجد'],
    answer: 'عادةً خلال يوم عمل واحد',
    about: 'بياناتك',
    work: 'عملك',
    given: 'الاسم الأول',
    family: 'اسم العائلة',
    company: 'الشركة',
    country: 'بلد الشركة',
    why: 'لماذا تحتاج إلى الوصول؟',
    whyMissing: 'اختر سبب حاجتك إلى الوصول',
    deliver: 'أورّد إلى أحد مواقع كونتوسو',
    maintain: 'أقوم بصيانة المعدّات',
    other: 'سبب آخر',
    site: 'أي موقع؟',
    more: 'لأي غرض تحتاجه؟',
    contact: 'جهة اتصالك في كونتوسو',
    contactHint: 'البريد الإلكتروني للشخص الذي يعرفك',
    rules: 'قرأتُ قواعد الموقع',
    rulesMissing: 'أكّد أنك قرأت قواعد الموقع',
    start: 'متى تبدأ؟',
    team: 'فريق موقع هامبورغ في كونتوسو',
    terms: 'شروط الاستخدام',
    termsText: 'أوافق على شروط الاستخدام',
    privacyTitle: 'إشعار الخصوصية',
    privacyText: 'قرأتُ إشعار الخصوصية',
    privacy: 'ما دام لديك وصول، و12 شهرًا بعده. وإن كان الجواب بالرفض فتسعين يومًا.',
    supplier: 'للطلبات ووثائق التسليم',
    drawings: 'للمخطّطات وقوائم القطع',
    tickets: 'للأعطال والإصلاحات',
  },
};

export function flow(slug, lang) {
  if (slug !== 'supplier') return undefined;
  const w = L[lang] ?? L.en;
  const option = (value, label) => ({ value, label });
  const sites = [option('hamburg', 'Hamburg'), option('rotterdam', 'Rotterdam'), option('gdansk', 'Gdańsk')];
  return {
    slug,
    version: 4,
    title: lang === 'ar' ? 'وصول المورّدين' : 'Supplier access',
    description: w.description,
    audience: w.audience,
    language: L[lang] ? lang : 'en',
    languages: ['en', 'ar'],
    identityMethods: ['email'],
    minutes: 3,
    needs: w.needs,
    answerTime: w.answer,
    decision: { automatic: false, team: w.team },
    privacy: w.privacy,
    contact: { name: w.team, phone: '+49 40 5550 120', email: 'hamburg@contoso.com' },
    endsAfterDays: 180,
    grants: [
      { kind: 'app', name: 'Supplier portal', description: w.supplier, logoUrl: icon('app-supplier') },
      { kind: 'app', name: 'Drawings library', description: w.drawings, logoUrl: icon('app-drawings') },
      { kind: 'app', name: 'Ticket desk', description: w.tickets, logoUrl: icon('app-tickets') },
    ],
    terms: [
      {
        id: 'use',
        version: '4',
        date: '2026-10-12',
        title: w.terms,
        statement: w.termsText,
        text: 'Use the apps for your work with Contoso.\nKeep your code to yourself.',
      },
      {
        id: 'privacy',
        version: '2',
        date: '2026-03-03',
        title: w.privacyTitle,
        statement: w.privacyText,
        text: w.privacy,
      },
    ],
    pages: [
      {
        id: 'you',
        title: w.about,
        fields: [
          { name: 'givenName', type: 'text', label: w.given, required: true, autocomplete: 'given-name' },
          { name: 'familyName', type: 'text', label: w.family, required: true, autocomplete: 'family-name' },
          { name: 'company', type: 'text', label: w.company, required: true, autocomplete: 'organization' },
          { name: 'country', type: 'country', label: w.country, required: true },
        ],
      },
      {
        id: 'work',
        title: w.work,
        fields: [
          {
            name: 'why',
            type: 'choice',
            label: w.why,
            required: true,
            missing: w.whyMissing,
            options: [option('deliver', w.deliver), option('maintain', w.maintain), option('other', w.other)],
          },
          {
            name: 'site',
            type: 'choice',
            label: w.site,
            required: true,
            options: sites,
            when: { field: 'why', is: 'maintain' },
          },
          {
            name: 'more',
            type: 'longText',
            label: w.more,
            required: true,
            maxLength: 300,
            when: { field: 'why', is: 'other' },
          },
          { name: 'start', type: 'date', label: w.start, required: false, minDate: '2026-11-01' },
          { name: 'contact', type: 'sponsor', label: w.contact, hint: w.contactHint, required: false },
          { name: 'rules', type: 'checkbox', label: w.rules, required: true, missing: w.rulesMissing },
        ],
      },
    ],
  };
}

const base = { id: 'gst_1', roles: [], rights: [] };
export const me = {
  guest: {
    ...base,
    kind: 'guest',
    name: 'Maria Lindqvist',
    givenName: 'Maria',
    email: 'maria.lindqvist@fabrikam.de',
    organisation: 'Fabrikam GmbH',
    sponsor: 'Jonas Becker',
    endsAt: '2027-05-19T00:00:00Z',
  },
  staff: {
    ...base,
    id: 'mbr_1',
    kind: 'member',
    name: 'Jonas Becker',
    email: 'j.becker@contoso.com',
    roles: ['admin'],
    rights: ['approver', 'directory', 'flows', 'operations'],
  },
};

const app = (id, name, description, more = {}) => ({
  id: `app_${id}`,
  name,
  description,
  launchUrl: `https://${id}.example.com/`,
  logoUrl: icon(`app-${id}`),
  ...more,
});
const soon = new Date(Date.now() + 11 * 86_400_000).toISOString();
export const apps = {
  data: [
    app('drawings', 'Drawings library', 'Plans and parts lists', {
      collection: 'Hamburg project',
      owner: 'Plant engineering',
    }),
    app('tickets', 'Ticket desk', 'Report a fault and follow it', {
      collection: 'Hamburg project',
      owner: 'Site services',
    }),
    app('supplier', 'Supplier portal', 'Orders and delivery notes', {
      collection: 'Hamburg project',
      owner: 'Purchasing',
    }),
    app('site', 'Site access', 'Your gate pass and visits', { until: soon, owner: 'Site services' }),
    app('invoices', 'Invoices', 'Send one and follow it', { owner: 'Accounting' }),
  ],
  waiting: [{ reference: '7KQ-42M-9', title: 'Safety training', submittedAt: '2026-11-17T09:00:00Z' }],
};
