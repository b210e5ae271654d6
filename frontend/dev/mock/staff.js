/** Routes of staff pages for the mock: [pattern of "METHOD /path", ({res, args, query, body, json, problem}) => …]. */
export const staff = [];
