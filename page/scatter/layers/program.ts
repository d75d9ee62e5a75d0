/** A linked program with its uniforms. */
export type Program = {
  /** What is drawn next is drawn by this program. @throws Error with the compiler's own words, where it refused */
  activate(): void
  uniform(name: string): WebGLUniformLocation | null
  delete(): void
}

export type ProgramSource = {
  /** GLSL ES 3.00 without its version line */
  vertex: string
  fragment: string
  /** by place */
  attributes: readonly string[]
  /** names for `#ifdef` in both sources */
  defines: readonly string[]
}

/**
 * Compiling goes on beside the page until the program is first used: to ask earlier how it went would be to wait for it. A
 * context that was lost meanwhile compiles nothing and says nothing.
 */
export function linkProgram(gl: WebGL2RenderingContext, source: ProgramSource): Program {
  const handle = gl.createProgram()
  const head = source.defines.map((name) => `#define ${name}\n`)
  for (const [type, text] of [
    [gl.VERTEX_SHADER, source.vertex],
    [gl.FRAGMENT_SHADER, source.fragment],
  ] as const) {
    const shader = gl.createShader(type)
    if (!shader) continue
    gl.shaderSource(shader, `#version 300 es\n${head.join('')}${text}`)
    gl.compileShader(shader)
    gl.attachShader(handle, shader)
    gl.deleteShader(shader)
  }
  source.attributes.forEach((name, place) => {
    gl.bindAttribLocation(handle, place, name)
  })
  gl.linkProgram(handle)
  const check = () => {
    if (gl.getProgramParameter(handle, gl.LINK_STATUS) || gl.isContextLost()) return
    const logs = (gl.getAttachedShaders(handle) ?? []).map((shader) => gl.getShaderInfoLog(shader))
    throw new Error(`The graphics driver refused a shader: ${[gl.getProgramInfoLog(handle), ...logs].join(' ')}`)
  }
  let isUsed = false
  const uniforms = new Map<string, WebGLUniformLocation | null>()
  return {
    activate: () => {
      if (!isUsed) check()
      isUsed = true
      gl.useProgram(handle)
    },
    delete: () => gl.deleteProgram(handle),
    uniform(name) {
      const known = uniforms.get(name)
      if (known !== undefined) return known
      const location = gl.getUniformLocation(handle, name)
      uniforms.set(name, location)
      return location
    },
  }
}
