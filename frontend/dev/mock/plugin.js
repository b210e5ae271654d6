export function mockApi() {
  return { name: 'vestibule:mock' };
}
