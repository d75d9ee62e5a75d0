import { parseBase } from '../../protocol/urls.ts'
import { LIMITS } from '../process/limits.ts'
import { type Authority, authorityText, parseOrigin } from './authority.ts'

/** What one signed probe taught: exact values, no pattern. */
export type Lesson = {
  /** The Host it came with, in lower case. */
  host: string
  /** As the browser sees it, with a trailing slash. */
  base: string
  origin: string
  ancestors: readonly string[]
}

/** What the signed probes of one viewer taught. The oldest lesson leaves first; all leave with the viewer. */
export class Learnt {
  #lessons: Lesson[] = []

  get lessons(): readonly Lesson[] {
    return this.#lessons
  }

  /** @param claims as signed; what is not in canonical form is not learnt */
  learn(host: Authority, claims: { base: string; origin: string; ancestors: string }): Lesson | null {
    const base = parseBase(claims.base)
    const origin = parseOrigin(claims.origin)
    if (base === null || base !== claims.base || origin === null) return null
    const ancestors = claims.ancestors.split(' ').flatMap((text) => parseOrigin(text) ?? [])
    const lesson: Lesson = { host: authorityText(host), base, origin, ancestors }
    const text = JSON.stringify(lesson)
    const others = this.#lessons.filter((known) => JSON.stringify(known) !== text)
    this.#lessons = [...others, lesson].slice(-LIMITS.learntPerViewer)
    return lesson
  }

  knowsHost(host: Authority): boolean {
    const text = authorityText(host)
    return this.#lessons.some((lesson) => lesson.host === text)
  }

  knowsOrigin(origin: string): boolean {
    return this.#lessons.some((lesson) => lesson.origin === origin || new URL(lesson.base).origin === origin)
  }

  /** The bases that lead to requests with this Host. */
  basesOf(host: Authority): readonly string[] {
    const text = authorityText(host)
    return unique(this.#lessons.filter((lesson) => lesson.host === text).map((lesson) => lesson.base))
  }

  /** Every origin that stands around a frame of this viewer. */
  embedders(): readonly string[] {
    return unique(this.#lessons.flatMap((lesson) => [lesson.origin, ...lesson.ancestors]))
  }
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
