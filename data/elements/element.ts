import { DataError } from '../data-source.ts'
import { listed } from '../near-names.ts'
import type { Attributes, StoredArray, StoredGroup, StoredNode } from '../stored-tree.ts'
import { shapeText } from './blocks.ts'

/** The encoding of a list of records, the form of tables before anndata 0.7: no file names it itself. */
export const RECORDS = 'records'

/** What an element says it is, by its `encoding-type`; `''` before anndata 0.7 and in files of others. */
export function encodingOf({ attributes }: StoredNode): string {
  const encoding = attributes.get('encoding-type')
  return typeof encoding === 'string' ? encoding : ''
}

/** Versions that this reader knows; any other is newer, and its values could mean something else. */
const KNOWN_VERSIONS: Record<string, readonly string[]> = {
  array: ['0.2.0'],
  'string-array': ['0.2.0'],
  csr_matrix: ['0.1.0'],
  csc_matrix: ['0.1.0'],
  dataframe: ['0.1.0', '0.2.0'],
  categorical: ['0.2.0'],
  'nullable-integer': ['0.1.0'],
  'nullable-boolean': ['0.1.0'],
  'nullable-string-array': ['0.1.0'],
}

/** Why an element cannot be read, or `null`: an encoding or a version that is not known. */
export function encodingProblem(node: StoredNode): string | null {
  const encoding = encodingOf(node)
  const version = node.attributes.get('encoding-version')
  if (encoding === '' || version === undefined) return null
  const known = KNOWN_VERSIONS[encoding]
  if (known === undefined) return `its encoding "${encoding}" cannot be drawn`
  if (known.includes(String(version))) return null
  return `it has encoding "${encoding}" ${version}; this version reads ${known.join(', ')}. Update cellucid-notebook`
}

/** @throws DataError `unsupported` with the reason and the place */
export function checkEncoding(node: StoredNode): void {
  const problem = encodingProblem(node)
  if (problem !== null) throw new DataError('unsupported', `${node.path} cannot be read: ${problem}.`)
}

/** A child that has to be a list of so many values, or any number of them for `null`. */
export async function listIn(group: StoredGroup, name: string, length: number | null): Promise<StoredArray> {
  const node = await group.get(name)
  if (node?.kind !== 'array') throw await missingPart(group, name)
  return checkList(node, length)
}

/** Names: a plain list or, since pandas has texts that may be missing, a group of values and mask. */
export async function listOrValuesIn(group: StoredGroup, name: string): Promise<StoredArray> {
  const node = await group.get(name)
  if (node === null) throw await missingPart(group, name)
  checkEncoding(node)
  if (node.kind === 'group') return listIn(node, 'values', null)
  return node.shape.length === 0 ? node : checkList(node, null)
}

export function checkList(array: StoredArray, length: number | null): StoredArray {
  const [found] = array.shape
  if (array.shape.length !== 1 || (length !== null && found !== length)) {
    const expected = length === null ? 'a list' : `a list of ${length} values`
    throw new DataError('malformed', `${array.path} has shape ${shapeText(array)} where ${expected} belongs.`)
  }
  return array
}

/** A single value is a list of one: so a lone category was written. */
export function lengthOf(array: StoredArray): number {
  return array.shape.length === 0 ? 1 : (array.shape[0] ?? 0)
}

export async function missingPart(group: StoredGroup, name: string): Promise<DataError> {
  const place = group.path === '' ? 'The file' : group.path
  return new DataError('malformed', `${place} lacks "${name}"; it has ${listed(await group.keys())}.`)
}

export function textAttribute(attributes: Attributes, name: string): string | null {
  const value = attributes.get(name)
  return typeof value === 'string' ? value : null
}

export function textsAttribute(attributes: Attributes, name: string): readonly string[] | null {
  const value = attributes.get(name)
  if (!Array.isArray(value)) return null
  const texts: unknown[] = value
  return texts.every((entry) => typeof entry === 'string') ? texts : null
}

export function numbersAttribute(attributes: Attributes, name: string): readonly number[] | null {
  const value = attributes.get(name)
  if (!Array.isArray(value)) return null
  const numbers: unknown[] = value
  return numbers.every((entry) => typeof entry === 'number') ? numbers : null
}

export function flagAttribute(attributes: Attributes, name: string): boolean {
  const value = attributes.get(name)
  return value === true || value === 1
}
