import { messageOf } from '../../../protocol/errors.ts'
import { terminalUrl } from '../../../protocol/urls.ts'
import { digest, sameDigest } from '../../access/secret-digest.ts'
import type { Entrance, PlainPage, Redirection } from '../../http/landing.ts'
import { OwnBrowser } from './browser-pass.ts'
import { listPage, sentencePage } from './dataset-list-page.ts'
import type { FoundDataset } from './find-datasets.ts'
import { inWordsOfFlags } from './serve-options.ts'
import { makeSecrets, type Shelf, type Shelved } from './served-datasets.ts'

const OLD_LINK = 'This link is not valid, or not any more. Open the one that stands in the terminal.'

/** The links to a server that was started at a terminal, and what `/` answers to those that lead to no viewer's page. */
export class FrontDoor {
  /** Of the list of datasets. */
  readonly #secrets = makeSecrets()
  readonly #browser = new OwnBrowser()
  readonly #find: () => Promise<readonly FoundDataset[]>
  #shelf: Shelf | null = null

  /** @param find looks again for what there is to choose from */
  constructor(find: () => Promise<readonly FoundDataset[]>) {
    this.#find = find
  }

  /** From now on there is something behind it. */
  set shelf(shelf: Shelf) {
    this.#shelf = shelf
  }

  /** Names the list, as a viewer's id names a viewer. */
  get listId(): string {
    return this.#secrets.viewerId
  }

  /** Opens the one dataset, or the list of several, as often as wanted: it holds the secret. */
  link(base: string): string {
    const [first, second] = this.#shelf?.datasets ?? []
    const { viewerId, viewerToken } = first !== undefined && second === undefined ? first : this.#secrets
    return terminalUrl(base, viewerId, viewerToken)
  }

  /** Opens the same once, for a browser that is started now. */
  passLink(base: string): string {
    return `${base}?viewerId=${this.#secrets.viewerId}&pass=${this.#browser.makePass()}`
  }

  readonly answer: Entrance = async (query, socket) => {
    if (query.get('viewerId') !== this.#secrets.viewerId || this.#shelf === null) return null
    const pass = query.get('pass')
    if (pass !== null) {
      const isGood = await this.#browser.takes(pass, socket)
      return isGood ? { location: this.link('../') } : sentencePage(401, OLD_LINK)
    }
    const isRight = sameDigest(digest(this.#secrets.viewerToken), digest(query.get('viewerToken') ?? ''))
    return isRight ? this.#choose(this.#shelf, query.get('dataset')) : sentencePage(401, OLD_LINK)
  }

  async #choose(shelf: Shelf, choice: string | null): Promise<PlainPage | Redirection> {
    if (choice === null) {
      await this.#lookAgain(shelf)
      return this.#list(shelf, null)
    }
    const dataset = shelf.datasets[Number(choice)]
    if (dataset === undefined) return this.#list(shelf, 'There is no such dataset here any more.')
    try {
      await shelf.open(dataset)
      return { location: terminalUrl('../', dataset.viewerId, dataset.viewerToken) }
    } catch (error) {
      return this.#list(shelf, inWordsOfFlags(messageOf(error)))
    }
  }

  /** What is gone stays listed, and says so when it is chosen. */
  async #lookAgain(shelf: Shelf): Promise<void> {
    const found = await this.#find().catch(() => [])
    shelf.add(found)
  }

  #list(shelf: Shelf, problem: string | null): PlainPage {
    const own = terminalUrl('../', this.#secrets.viewerId, this.#secrets.viewerToken)
    const listed = shelf.datasets.map((dataset: Shelved, place) => ({
      name: dataset.name,
      href: `${own}&dataset=${place}`,
      state: shelf.isOpen(dataset) ? 'open' : '',
    }))
    return listPage(listed, problem)
  }
}
