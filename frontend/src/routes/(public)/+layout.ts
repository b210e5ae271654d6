import { loadRest } from '$lib/page/rest';
import type { LayoutLoad } from './$types';

/** The first page of a sign-up is complete as it comes; every other one fetches the rest first. */
export const load: LayoutLoad = async ({ route }) => {
  if (route.id !== '/(public)/join/[flow]') await loadRest();
};
