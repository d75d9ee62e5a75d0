import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AnnDataSource } from '../../../data/anndata/anndata-source.ts'
import { DataError, type DataSource } from '../../../data/data-source.ts'
import { BackedReader } from '../../../data/kernel/backed-reader.ts'
import { KernelReader } from '../../../data/kernel/kernel-reader.ts'
import { ExportReader } from '../../../server/sources/export/export-reader.ts'
import type { StoredPlace } from '../../../server/sources/files/file-location.ts'
import { StoredReader } from '../../../server/sources/files/file-reader.ts'
import { StoredFile } from '../../../server/sources/files/open-file.ts'
import { StoredThread } from '../../../server/sources/files/reader-thread.ts'
import type { KernelRead } from '../../../server/sources/open-source.ts'
import { cellucidOf, PYTHON } from './anndata-files.ts'
import { FORMS, type Form } from './forms.ts'
import { startAnswers } from './kernel-process.ts'
import type { Answer } from './same-answer.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SCRIPTS = join(import.meta.dirname, 'cases')
const NO_OPTIONS = { name: null, color: null, embedding: null, geneSymbols: null, matrix: null }

export type Case = {
  name: string
  /** Names in the folder, by form. */
  files: Partial<Record<Form, string>>
  answer: Answer
  /** Forms in which others than we change or refuse it, with the reason. */
  lacks: Partial<Record<Form, string>>
}

/** Cases as files, made once for each text of the scripts, and the table of them. */
export async function makeCases(): Promise<{ folder: string; cases: Case[] }> {
  const hash = createHash('sha256')
  const scripts = (await readdir(SCRIPTS)).filter((name) => name.endsWith('.py')).toSorted()
  for (const name of scripts) hash.update(await readFile(join(SCRIPTS, name)))
  const folder = join(ROOT, 'dist/test-data', `cases-${hash.digest('hex').slice(0, 12)}`)
  if (!existsSync(folder)) await writeCases(folder)
  // Written by make_cases.py in this very form.
  const cases = JSON.parse(await readFile(join(folder, 'table.json'), 'utf8')) as Case[]
  return { folder, cases }
}

async function writeCases(folder: string): Promise<void> {
  await mkdir(join(ROOT, 'dist/test-data'), { recursive: true })
  const made = await mkdtemp(`${folder}.part-`)
  const env = { ...process.env, PYTHONPATH: cellucidOf('0.9.4') }
  try {
    await promisify(execFile)(PYTHON, [join(SCRIPTS, 'make_cases.py'), made], { env })
    await rename(made, folder)
  } catch (error) {
    await rm(made, { recursive: true })
    // Another test may have been faster: then its folder stays.
    if (!existsSync(folder)) throw error
  }
}

/** The forms in which a case can be offered, each of which must give the one answer. */
export function formsOf({ files, lacks }: Case): Form[] {
  const backed: Form[] = files.h5ad === undefined ? [] : ['backed r', 'backed r+']
  const stored = FORMS.filter((form) => files[form] !== undefined)
  return (['memory', 'view', ...backed, ...stored] as const).filter((form) => lacks[form] === undefined)
}

/** Opens cases in every form: in one Python process, and in one thread that reads files one after the other. */
export class CaseStage {
  readonly #folder: string
  readonly #kernel: ReturnType<typeof startAnswers>
  #thread = new LentThread()

  constructor(folder: string) {
    this.#folder = folder
    this.#kernel = startAnswers([join(SCRIPTS, 'serve_cases.py'), folder])
  }

  open({ name, files }: Case, form: Form): DataSource {
    const path = join(this.#folder, files[form] ?? '')
    switch (form) {
      case 'memory':
      case 'view':
      case 'backed r+':
        return new AnnDataSource('kernel', this.#kernelReader(name, form), name, NO_OPTIONS)
      case 'backed r': {
        const stored = this.#stored({ format: 'h5ad', path: join(this.#folder, files.h5ad ?? '') })
        return new AnnDataSource('kernel', new BackedReader(this.#kernelReader(name, form), stored), name, NO_OPTIONS)
      }
      case 'h5ad':
      case 'h5ad gzip':
        return new AnnDataSource('h5ad', this.#stored({ format: 'h5ad', path }), name, NO_OPTIONS)
      case 'zarr v2':
      case 'zarr v3':
        return new AnnDataSource('zarr', this.#stored({ format: 'zarr-folder', path }), name, NO_OPTIONS)
      case 'zarr zip':
        return new AnnDataSource('zarr', this.#stored({ format: 'zarr-zip', path }), name, NO_OPTIONS)
      case 'export':
        return new AnnDataSource('export', new ExportReader(path), name, NO_OPTIONS)
    }
  }

  async close(): Promise<void> {
    this.#kernel.stop()
    await this.#thread.giveBack()
  }

  #kernelReader(name: string, form: Form): KernelReader {
    const read: KernelRead = (question) => this.#kernel.ask({ case: name, form, read: question })
    return new KernelReader(read)
  }

  #stored(place: StoredPlace): StoredReader {
    const takeThread = () => {
      if (!this.#thread.isAlive) this.#thread = new LentThread()
      return this.#thread
    }
    return new StoredReader(new StoredFile(place, { folder: null, takeThread }), () => Promise.resolve())
  }
}

/** To start a thread takes longer than to read a case, so that one reads all of them in turn. */
class LentThread extends StoredThread {
  override end(): Promise<void> {
    return Promise.resolve()
  }

  async giveBack(): Promise<void> {
    await super.end(new DataError('closed', 'All cases were read.'))
  }
}
