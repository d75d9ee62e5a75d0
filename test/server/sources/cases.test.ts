import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { MADE_WITHIN_MS } from './anndata-files.ts'
import { CaseStage, formsOf, makeCases } from './cases.ts'
import { differences } from './same-answer.ts'

const { folder, cases } = await makeCases()
let stage: CaseStage

beforeAll(() => {
  stage = new CaseStage(folder)
}, MADE_WITHIN_MS)
afterAll(() => stage.close())

describe.each(cases)('$name', (data) => {
  for (const form of formsOf(data)) {
    test(`${form}: all is as anndata reads it`, async () => {
      const source = stage.open(data, form)
      onTestFinished(() => source.close())
      const found = await differences(source, data.answer, form)
      expect(found, found.join('\n')).toEqual([])
    })
  }
})
