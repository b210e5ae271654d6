import { api, get, type Schemas } from '$lib/api';

/** The company behind this portal: its name, logo and footer, read once for every page's frame. */
class TenantInfo {
  info = $state.raw<Schemas['Tenant'] | undefined>();

  get name(): string {
    return this.info?.name ?? '';
  }

  /** Fetches it; the frame shows itself without, should that fail. */
  load = async (): Promise<void> => {
    try {
      this.info = await get(api.GET('/api/v1/tenant'));
    } catch {
      this.info = undefined;
    }
  };
}

export const tenant = new TenantInfo();
