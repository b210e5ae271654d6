import type { HandleClientError } from '@sveltejs/kit';
import { asProblem } from '$lib/api';
import { theme } from '$lib/page/theme.svelte';

// Before anything is drawn.
theme.apply();

/** What the error page shows for something nobody expected. */
export const handleError: HandleClientError = ({ error, status }) => {
  if (status === 404) return { message: 'not found', code: 'not_found' };
  const problem = asProblem(error);
  return { message: problem.detail, code: problem.code, requestId: problem.requestId };
};
