import type { Attributes, StoredGroup, StoredNode } from '../stored-tree.ts'
import { RecordField, type RecordFieldLayout, type RecordList } from '../values/record-field.ts'
import { RECORDS } from './element.ts'

/** A list of records as a group with one array per field, so that old tables read as new ones do. */
export class Records implements StoredGroup {
  readonly kind = 'group'
  readonly path: string
  readonly attributes: Attributes = new Map([['encoding-type', RECORDS]])
  readonly #list: RecordList
  readonly #fields: readonly RecordFieldLayout[]

  constructor(list: RecordList, fields: readonly RecordFieldLayout[]) {
    this.path = list.path
    this.#list = list
    this.#fields = fields
  }

  async keys(): Promise<readonly string[]> {
    return this.#fields.map(({ name }) => name)
  }

  async get(name: string): Promise<StoredNode | null> {
    const field = this.#fields.find((each) => each.name === name)
    return field === undefined ? null : new RecordField(this.#list, field)
  }
}
