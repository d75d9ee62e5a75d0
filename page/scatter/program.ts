/** A linked program with its uniforms. */
export type Program = {
  /** What is drawn next is drawn by this program. */
  activate(): void
  delete(): void
  uniform(name: string): WebGLUniformLocation | null
}

/**
 * @param sources GLSL, and the place of each attribute
 * @param defines text that replaces names in both sources
 * @throws Error with the compiler's own words; a context that was lost meanwhile compiles nothing and throws nothing
 */
export function linkProgram(
  gl: WebGL2RenderingContext,
  sources: { vertex: string; fragment: string; attributes: readonly (readonly [name: string, place: number])[] },
  defines: Readonly<Record<string, string>>,
): Program {
  const handle = gl.createProgram()
  const lines = Object.entries(defines).map(([name, value]) => `#define ${name} ${value}\n`)
  for (const [type, source] of [
    [gl.VERTEX_SHADER, sources.vertex],
    [gl.FRAGMENT_SHADER, sources.fragment],
  ] as const) {
    const shader = gl.createShader(type)
    if (!shader) continue
    // #version has to stay the first line.
    gl.shaderSource(shader, source.replace('\n', `\n${lines.join('')}`))
    gl.compileShader(shader)
    gl.attachShader(handle, shader)
    gl.deleteShader(shader)
  }
  for (const [name, place] of sources.attributes) gl.bindAttribLocation(handle, place, name)
  gl.linkProgram(handle)
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = (gl.getAttachedShaders(handle) ?? []).map((shader) => gl.getShaderInfoLog(shader))
    throw new Error(`The graphics driver refused a shader: ${[gl.getProgramInfoLog(handle), ...logs].join(' ')}`)
  }
  const uniforms = new Map<string, WebGLUniformLocation | null>()
  return {
    activate: () => gl.useProgram(handle),
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
