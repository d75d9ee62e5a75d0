/**
 * Places and colours a cell; one that is not to be drawn is put outside of what is seen. What a picture does not need is
 * left out when the shader is compiled, since drawing by software feels every line of it:
 * DEEP a third dimension · SETS hidden, selected and highlighted cells · MORPH cells on their way from an old picture ·
 * DISC discs instead of squares.
 *
 * `placed` gives the place on the screen, the height toward the viewer and the divisor of perspective. Far in, a position
 * and the centre are large and alike: their difference is exact, the scaled position is not. In DEEP what is far away is
 * a little paler: the one cue of depth that a still picture has. Comments stay out here, since the page carries the text.
 */
export const VERTEX_SHADER = `
#ifdef DEEP
#define POINT vec3
#define AXES
#else
#define POINT vec2
#define AXES .xy
#endif
in POINT position;
in uint code;
struct View { vec3 centerHigh, centerLow, right, up, toward; vec2 scale; float perspective; };
uniform View view;
uniform float diameter, largest, opacity;
uniform highp sampler2D table;
uniform uint missingCode;
uniform vec4 missing;
flat out vec4 fill;
#ifdef DISC
flat out float width;
#endif
#ifdef DEEP
uniform float radius;
uniform vec3 background;
#endif
#ifdef SETS
in uint flags;
uniform float selectedDiameter, highlightDiameter;
uniform vec3 dimmed;
uniform bool hasSelection;
uniform int layer;
uniform vec3 highlights[32];
#endif
#ifdef MORPH
in POINT oldPosition;
uniform View oldView;
uniform float progress;
#endif

vec4 placed(POINT at, View v) {
  POINT offset = (at - v.centerHigh AXES) - v.centerLow AXES;
#ifdef DEEP
  float height = dot(offset, v.toward);
  float w = 1.0 - v.perspective * height;
  return vec4(vec2(dot(offset, v.right), dot(offset, v.up)) * v.scale / w, height, w);
#else
  return vec4(offset * vec2(v.right.x, v.up.y) * v.scale, 0.0, 1.0);
#endif
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = 1.0;
  vec4 entry = code == missingCode ? missing : texelFetch(table, ivec2(code & 255u, code >> 8u), 0);
  if (entry.a == 0.0) return;
  vec3 color = entry.rgb;
  float size = diameter;
  float depth = 0.8 - 1.6 * entry.a;
#ifdef SETS
  bool isHighlighted = (flags & 4u) != 0u;
  bool isSelected = hasSelection && (flags & 2u) != 0u;
  bool isDimmed = hasSelection && !isSelected && !isHighlighted;
  int ownLayer = isDimmed ? 0 : isHighlighted ? 2 : 1;
  if ((flags & 1u) != 0u || (layer >= 0 && layer != ownLayer)) return;
  if (isSelected) size = selectedDiameter;
  if (isDimmed) { color = dimmed; depth = 0.9; }
  if (isHighlighted) { color = highlights[flags >> 3u]; depth = -0.9; size = highlightDiameter; }
#endif
  vec4 place = placed(position, view);
#ifdef MORPH
  place.xy = mix(placed(oldPosition, oldView).xy, place.xy, progress);
#endif
#ifdef DEEP
  if (view.perspective > 0.0) {
    depth = -0.25 * place.z;
    size /= place.w;
    color = mix(color, background, 0.35 * clamp(0.5 - 0.5 * place.z / radius, 0.0, 1.0));
  }
#endif
  gl_Position = vec4(place.xy, depth, 1.0);
  fill = vec4(color, opacity);
  size = min(largest, size);
#ifdef DISC
  width = size;
  size += 1.0;
#endif
  gl_PointSize = size;
}
`

/** Points of a few pixels are squares: roundness cannot be seen there, and squares need no blending. */
export const SQUARE_SHADER = `
precision highp float;
flat in vec4 fill;
out vec4 color;
void main() { color = fill; }
`

/** A disc whose edge fades over one pixel, with a darker rim once it is large enough to touch its neighbours. */
export const DISC_SHADER = `
precision highp float;
flat in vec4 fill;
flat in float width;
uniform float ratio;
out vec4 color;
void main() {
  float inside = 0.5 * width - length(gl_PointCoord - 0.5) * (width + 1.0);
  float cover = clamp(inside + 0.5, 0.0, 1.0);
  if (cover == 0.0) discard;
  float rim = width >= 7.0 * ratio ? 1.0 - clamp(inside - ratio + 0.5, 0.0, 1.0) : 0.0;
  color = vec4(fill.rgb * (1.0 - 0.3 * rim), fill.a * cover);
}
`
