import { api, get } from '$lib/api';

type Counts = { waiting?: number; asked?: number };

/** How many requests wait for this person: an estimate, for the navigation and the tabs. */
class Waiting {
  counts = $state.raw<Counts>({});

  /** Asks the server; what it cannot say now stays as it was. */
  read = async (): Promise<void> => {
    const [waiting, asked] = await Promise.all([count('waiting'), count('asked')]);
    this.counts = { waiting: waiting ?? this.counts.waiting, asked: asked ?? this.counts.asked };
  };
}

async function count(state: 'waiting' | 'asked'): Promise<number | undefined> {
  try {
    const query = { state, limit: 1, count: 'estimate' } as const;
    return (await get(api.GET('/api/v1/approvals', { params: { query } }))).estimate;
  } catch {
    return undefined;
  }
}

export const waiting = new Waiting();
