/**
 * What a page tells the frame: whether its form has errors (the title then begins with “Error: ”) and whether the next
 * heading should take focus because the page has just changed.
 */
class Page {
  /** Forms on this page that show errors. */
  errors = $state(0);
  #arrived = false;

  /** Called when a navigation within the product begins; not for the first page, where the browser's own place is right. */
  leaving(): void {
    this.#arrived = true;
  }

  /** True once per navigation. */
  takesFocus(): boolean {
    const was = this.#arrived;
    this.#arrived = false;
    return was;
  }
}

export const page = new Page();
