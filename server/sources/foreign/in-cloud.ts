import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { quoted } from '../../../data/near-names.ts'
import { pathText } from '../../../data/python-text.ts'

/** macOS puts a placeholder of this name where a file is in iCloud only. */
const PLACEHOLDER = /^\.(.+)\.icloud$/

/** Whether there is a placeholder in place of a file. */
export function isInCloudOnly(path: string): boolean {
  return existsSync(join(dirname(path), `.${basename(path)}.icloud`))
}

/** @param path of the file, or of its placeholder */
export function inCloudText(path: string): string {
  const file = join(dirname(path), basename(path).replace(PLACEHOLDER, '$1'))
  return `${quoted(path)} is in iCloud and not on this computer. Fetch it in a terminal: brctl download ${pathText(file)}`
}
