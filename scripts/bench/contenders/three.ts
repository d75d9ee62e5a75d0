import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DynamicDrawUsage,
  OrthographicCamera,
  Points,
  PointsMaterial,
  Raycaster,
  Scene,
  Vector2,
  WebGLRenderer,
} from 'three'
import { scaleGradient } from '../../../page/scatter/color/coloring.ts'
import { canvasIn, HEIGHT, nextFrame, type Open, PIXELS_PER_UNIT, POINT_SIZE, WIDTH } from '../contender.ts'

/** As its users write it: one Points object, colours as bytes a vertex. It knows neither categories nor lasso. */
export const open: Open = async (host) => {
  const renderer = new WebGLRenderer({ canvas: canvasIn(host), antialias: false })
  renderer.setClearColor(0xffffff)
  const [halfWidth, halfHeight] = [WIDTH / 2 / PIXELS_PER_UNIT, HEIGHT / 2 / PIXELS_PER_UNIT]
  const camera = new OrthographicCamera(-halfWidth, halfWidth, halfHeight, -halfHeight, -1, 1)
  const scene = new Scene()
  const geometry = new BufferGeometry()
  const points = new Points(
    geometry,
    new PointsMaterial({ size: POINT_SIZE, sizeAttenuation: false, vertexColors: true }),
  )
  const raycaster = new Raycaster()
  let colors = new BufferAttribute(new Uint8Array(0), 3, true)
  let genes: readonly Float32Array[] = []
  let codes = new Uint8Array(0)
  let palette: Uint8Array[] = []
  const draw = async () => {
    await nextFrame()
    renderer.render(scene, camera)
  }
  const paint = (table: readonly Uint8Array[], codeOf: (cell: number) => number) => {
    for (let cell = 0; cell < codes.length; cell++) colors.array.set(table[codeOf(cell)] ?? [0, 0, 0], cell * 3)
    colors.needsUpdate = true
  }
  return {
    async show(data) {
      genes = data.genes
      codes = data.codes
      palette = data.colors.map(bytesOf)
      const positions = new Float32Array(data.cellCount * 3)
      for (let cell = 0; cell < data.cellCount; cell++) {
        positions[cell * 3] = data.positions[cell * 2] ?? 0
        positions[cell * 3 + 1] = data.positions[cell * 2 + 1] ?? 0
      }
      colors = new BufferAttribute(new Uint8Array(data.cellCount * 3), 3, true).setUsage(DynamicDrawUsage)
      paint(palette, (cell) => codes[cell] ?? 0)
      geometry.setAttribute('position', new BufferAttribute(positions, 3))
      geometry.setAttribute('color', colors)
      points.frustumCulled = false
      scene.add(points)
      await draw()
    },
    async gene(index) {
      const table = Array.from({ length: 256 }, (_, step) => gradientBytes(step / 255))
      const values = genes[index] ?? new Float32Array(0)
      paint(table, (cell) => Math.round(((values[cell] ?? 0) / 5) * 255))
      await draw()
    },
    async palette() {
      paint([bytesOf('#000000'), ...palette.slice(1)], (cell) => codes[cell] ?? 0)
      await draw()
    },
    async frame() {
      camera.position.x += 0.001
      await draw()
    },
    async showDeep(data) {
      geometry.setAttribute('position', new BufferAttribute(data.makeDeep(), 3))
      geometry.boundingSphere = null
      camera.position.set(0.9, 0.9, 0.9)
      camera.lookAt(0, 0, 0)
      camera.far = 10
      camera.updateProjectionMatrix()
      await draw()
    },
    hover(x, y) {
      raycaster.params.Points.threshold = 5 / PIXELS_PER_UNIT
      raycaster.setFromCamera(new Vector2((x / WIDTH) * 2 - 1, 1 - (y / HEIGHT) * 2), camera)
      return raycaster.intersectObject(points)[0]?.index
    },
  }
}

const STOPS = scaleGradient('viridis').map((color) => new Color(color))

function gradientBytes(t: number): Uint8Array {
  const at = t * (STOPS.length - 1)
  const low = STOPS[Math.floor(at)] ?? new Color()
  return bytesOf(
    `#${low
      .clone()
      .lerp(STOPS[Math.ceil(at)] ?? low, at % 1)
      .getHexString()}`,
  )
}

function bytesOf(css: string): Uint8Array {
  const { r, g, b } = new Color(css)
  return Uint8Array.of(r * 255, g * 255, b * 255)
}
