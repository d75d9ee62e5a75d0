import type { Identity } from '../../protocol/identity.ts'
import { ROUTES } from '../../protocol/urls.ts'

/** What a page that opens this link hears first of the dataset. */
export async function identityAt(link: URL): Promise<Identity> {
  const { viewerId, viewerToken } = Object.fromEntries(link.searchParams)
  const body = JSON.stringify({ viewerId, viewerToken })
  const headers = { 'content-type': 'application/json' }
  const traded = await fetch(new URL(ROUTES.key, link), { method: 'POST', headers, body })
  const { pageKey } = await traded.json()
  const answer = await fetch(new URL(ROUTES.identity, link), { headers: { 'X-Cellucid-Key': pageKey } })
  return answer.json()
}
