const SAVED = 'vestibule.theme';
export const THEMES = ['system', 'light', 'dark'] as const;
type Choice = (typeof THEMES)[number];

/** The chosen theme. `apply` runs before anything is drawn; tokens.css does the rest by [data-theme]. */
class Theme {
  choice = $state<Choice>('system');

  apply(): void {
    try {
      this.choice = known(localStorage.getItem(SAVED));
    } catch {
      this.choice = 'system'; // Storage refused: follow the system.
    }
    this.#show();
  }

  set(value: string): void {
    this.choice = known(value);
    this.#show();
    try {
      localStorage.setItem(SAVED, this.choice);
    } catch {
      // The choice then lasts for this page.
    }
  }

  #show(): void {
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
  }
}

const known = (value: string | null): Choice => THEMES.find((c) => c === value) ?? 'system';

export const theme = new Theme();
