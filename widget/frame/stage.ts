const NAME = 'cellucid-stage'

/** What a stage hears whenever the notebook puts it into its page: at once, before anything is painted. */
export const PUT_INTO_PAGE = 'putIntoPage'

/** Where frames stand. A custom element, since nothing else is told of that at once. */
export function makeStage(): HTMLElement {
  // Another viewer on this page may have made it known, of another version too: all do the same.
  if (customElements.get(NAME) === undefined) customElements.define(NAME, Stage)
  const stage = document.createElement(NAME)
  stage.className = 'stage'
  return stage
}

class Stage extends HTMLElement {
  connectedCallback(): void {
    this.dispatchEvent(new Event(PUT_INTO_PAGE))
  }
}
