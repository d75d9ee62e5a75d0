import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What the page's own bytes allow: the hashes of its one script and one style, as sources of a policy. */
export type PagePolicy = { scriptSources: string; styleSources: string }
export type PageFile = { folder: string; name: string; policy: PagePolicy }

export const PAGE_NAME = 'index.html'
/** The page around the hosted viewer: what is there while it is fetched, or where it cannot be had. */
export const SHELL_NAME = 'hosted.html'
const META_POLICY = /<meta\s+http-equiv="Content-Security-Policy"\s+content="([^"]*)"/i

/**
 * Read the page's policy from the page itself, where the build wrote the hashes, so that the two cannot differ.
 * @param folder holds the file `name`
 * @throws Error when there is no page, or none with a policy
 */
export async function openPageFile(folder: string, name = PAGE_NAME): Promise<PageFile> {
  const html = await readFile(join(folder, name), 'utf8')
  const policy = META_POLICY.exec(html)?.[1]
  if (policy === undefined) throw new Error(`${name} has no policy: build the page again.`)
  const scriptSources = directive(policy, 'script-src')
  const styleSources = directive(policy, 'style-src')
  if (scriptSources === null || styleSources === null) throw new Error(`${name} names no hashes: build it again.`)
  return { folder, name, policy: { scriptSources, styleSources } }
}

/** The sources of one directive; only what can stand in one. */
function directive(policy: string, name: string): string | null {
  const found = policy
    .replaceAll('&#39;', "'")
    .split(';')
    .map((text) => text.trim().split(/\s+/))
    .find(([first]) => first === name)
  const sources = found?.slice(1) ?? []
  return sources.length > 0 && sources.every((source) => /^[A-Za-z0-9'+/=:_-]+$/.test(source))
    ? sources.join(' ')
    : null
}
