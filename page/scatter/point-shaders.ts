/**
 * The same for 2D and 3D. A cell that is not to be drawn is put outside of what is seen. With MORPH a cell is on its way
 * from its place in an old picture.
 */
export const VERTEX_SHADER = `
precision highp float;
precision highp int;
in vec3 position;
in uint code;
in uint flags;
struct View { vec3 centerHigh, centerLow, right, up, toward; vec2 scale; float perspective; };
uniform View view;
#ifdef MORPH
in vec3 oldPosition;
uniform View oldView;
uniform float progress;
#endif
uniform float diameter, selectedDiameter, highlightDiameter, largest, opacity, radius;
uniform highp sampler2D table;
uniform uint missingCode;
uniform vec4 missing;
uniform vec3 dimmed, background;
uniform bool hasSelection;
uniform int layer;
uniform vec3 highlights[32];
flat out vec4 fill;
flat out float width;

// Far in, a position and the centre are large and alike: their difference is exact, the scaled position is not.
vec4 placed(vec3 at, View v) {
  vec3 offset = (at - v.centerHigh) - v.centerLow;
  float height = dot(offset, v.toward);
  return vec4(dot(offset, v.right) * v.scale.x, dot(offset, v.up) * v.scale.y, height, 1.0 - v.perspective * height);
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = 1.0;
  vec4 entry = code == missingCode ? missing : texelFetch(table, ivec2(code & 255u, code >> 8u), 0);
  bool isHighlighted = (flags & 4u) != 0u;
  bool isSelected = hasSelection && (flags & 2u) != 0u;
  bool isDimmed = hasSelection && !isSelected && !isHighlighted;
  int ownLayer = isDimmed ? 0 : isHighlighted ? 2 : 1;
  if ((flags & 1u) != 0u || entry.a == 0.0 || (layer >= 0 && layer != ownLayer)) return;

  vec4 place = placed(position, view);
  float w = place.w;
  vec2 at = place.xy / w;
#ifdef MORPH
  vec4 oldPlace = placed(oldPosition, oldView);
  at = mix(oldPlace.xy / oldPlace.w, at, progress);
#endif
  bool isDeep = view.perspective > 0.0;
  float rank = isHighlighted ? -0.9 : isDimmed ? 0.9 : 0.8 - 1.6 * entry.a;
  gl_Position = vec4(at, isDeep ? -0.25 * place.z : rank, 1.0);
  width = min(largest, (isHighlighted ? highlightDiameter : isSelected ? selectedDiameter : diameter) / w);
  gl_PointSize = width + EDGE;
  vec3 color = isHighlighted ? highlights[flags >> 3u] : isDimmed ? dimmed : entry.rgb;
  // What is far away is a little paler: the one cue of depth that a still picture has.
  float paleness = isDeep && !isHighlighted ? 0.35 * clamp(0.5 - 0.5 * place.z / radius, 0.0, 1.0) : 0.0;
  fill = vec4(mix(color, background, paleness), opacity);
}
`

/** Points of a few pixels are squares: roundness cannot be seen there, and squares need no blending. */
export const SQUARE_SHADER = `
precision mediump float;
flat in vec4 fill;
flat in float width;
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
  float inside = 0.5 * width - length(gl_PointCoord - 0.5) * (width + EDGE);
  float cover = clamp(inside + 0.5, 0.0, 1.0);
  if (cover == 0.0) discard;
  float rim = width >= 7.0 * ratio ? 1.0 - clamp(inside - ratio + 0.5, 0.0, 1.0) : 0.0;
  color = vec4(fill.rgb * (1.0 - 0.3 * rim), fill.a * cover);
}
`
