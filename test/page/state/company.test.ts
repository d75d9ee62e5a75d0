import { expect, test } from 'vitest'
import { tellCompany } from '../../../page/state/company.ts'
import { Store } from '../../../page/state/store.ts'

test('who else looks at the viewer, and what each changes, is said until they have left', () => {
  const store = new Store()
  const said = () => store.notices.value.map(({ text }) => text)
  tellCompany(store, ['Ada'])
  expect(said()).toEqual([
    expect.stringMatching(/^Ada is here, too\. Each of you has colour, camera, filters and selection/),
  ])
  tellCompany(store, ['Ada', 'Bea'])
  expect(said()).toEqual([expect.stringMatching(/^Ada and Bea are here, too\./)])
  tellCompany(store, ['Ada', 'Bea', 'Cid', 'Dan', 'Eva'])
  expect(said()).toEqual([expect.stringMatching(/^Ada, Bea, Cid and 2 more are here, too\./)])
  tellCompany(store, [])
  expect(said()).toEqual([])
})
