import { loadRest } from '$lib/page/rest';

export const load = async () => void (await loadRest());
