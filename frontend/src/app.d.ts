declare module 'virtual:messages' {
  type Catalogue = { default: Record<string, unknown> };
  export const locales: { code: string; name: string; dir: 'ltr' | 'rtl' }[];
  export const loaders: Record<string, Record<'base' | 'pages' | 'staff', () => Promise<Catalogue>>>;
}

declare namespace App {
  interface Error {
    message: string;
    code?: string;
    requestId?: string;
  }
}
