import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DataSource } from '../../data/data-source.ts'
import { CAPABILITY_FOLDER } from '../../protocol/urls.ts'
import { digest, sameDigest } from '../access/secret-digest.ts'
import type { HostedPage, HostedReport } from '../viewers/hosted-page.ts'
import { AsExport } from './export/export-layout.ts'
import type { HostedUi } from './hosted-ui.ts'

const MAX_AWAITED = 64

/** What one viewer has of its own when the hosted page shows it. */
export class HostedViewer implements HostedPage {
  readonly ui: HostedUi
  /** A person at a terminal started it: there is no notebook behind it. */
  readonly isServed: boolean
  readonly capability = randomBytes(32).toString('base64url')
  isWanted = true
  /** The hosted page was given out; more about it than that it speaks up later is not to be known. */
  pagesServed = 0
  /** Sessions that the kernel asked for and that have not come. */
  readonly #awaited = new Set<string>()
  readonly #digest = digest(this.capability)
  #folder: Promise<string> | null = null
  #export: { source: DataSource; asExport: AsExport } | null = null

  constructor(ui: HostedUi, { isServed = false } = {}) {
    this.ui = ui
    this.isServed = isServed
  }

  admits(key: string): boolean {
    return sameDigest(this.#digest, digest(key))
  }

  /** Where its frame goes, relative to the base. The page's query has these keys and no others, as in cellucid. */
  url(viewerId: string, isExport: boolean): string {
    const ofNotebook = this.isServed ? {} : { jupyter: 'true', viewerId, viewerToken: this.capability }
    const query = new URLSearchParams({ ...ofNotebook, ...(isExport ? {} : { anndata: 'true' }) }).toString()
    return `${CAPABILITY_FOLDER}/${this.capability}/${query === '' ? '' : `?${query}`}`
  }

  awaitSession(requestId: string): void {
    if (this.#awaited.size >= MAX_AWAITED) this.#awaited.clear()
    this.#awaited.add(requestId)
  }

  /** Once. */
  awaitsSession(requestId: string): boolean {
    return this.#awaited.delete(requestId)
  }

  asExport(source: DataSource): AsExport {
    if (this.#export?.source !== source) this.#export = { source, asExport: new AsExport(source) }
    return this.#export.asExport
  }

  /** A folder for what the page uploads, this user's alone. */
  folder(): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'cellucid-session-'))
    return this.#folder
  }

  report(): HostedReport {
    return { ...this.ui.state, isShown: this.isWanted, pagesServed: this.pagesServed }
  }

  async close(): Promise<void> {
    if (this.#folder !== null) await rm(await this.#folder, { recursive: true, force: true })
  }
}
