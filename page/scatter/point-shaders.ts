/** The same for 2D and 3D. A cell that is not to be drawn is put outside of what is seen. */
export const VERTEX_SHADER = `#version 300 es
precision highp float;
precision highp int;
in vec3 position;
in uint code;
in uint flags;
uniform vec3 centerHigh, centerLow;
uniform vec3 right, up, toward;
uniform vec2 scale;
uniform float perspective;
uniform float diameter, selectedDiameter, highlightDiameter, largest, opacity;
uniform highp sampler2D table;
uniform uint missingCode;
uniform vec4 missing;
uniform vec3 dimmed;
uniform bool hasSelection;
uniform int layer;
uniform vec3 highlights[32];
flat out vec4 fill;
flat out float width;

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = 1.0;
  vec4 entry = code == missingCode ? missing : texelFetch(table, ivec2(code & 255u, code >> 8u), 0);
  bool isHighlighted = (flags & 4u) != 0u;
  bool isSelected = hasSelection && (flags & 2u) != 0u;
  bool isDimmed = hasSelection && !isSelected && !isHighlighted;
  int ownLayer = isDimmed ? 0 : isHighlighted ? 2 : 1;
  if ((flags & 1u) != 0u || entry.a == 0.0 || (layer >= 0 && layer != ownLayer)) return;

  // Far in, a position and the centre are large and alike: their difference is exact, the scaled position is not.
  vec3 offset = (position - centerHigh) - centerLow;
  float height = dot(offset, toward);
  float w = 1.0 - perspective * height;
  float rank = isHighlighted ? -0.9 : isDimmed ? 0.9 : 0.8 - 1.6 * entry.a;
  float depth = perspective > 0.0 ? -0.25 * height : rank;
  gl_Position = vec4(dot(offset, right) * scale.x, dot(offset, up) * scale.y, depth * w, w);
  width = min(largest, (isHighlighted ? highlightDiameter : isSelected ? selectedDiameter : diameter) / w);
  gl_PointSize = width + EDGE;
  fill = vec4(isHighlighted ? highlights[flags >> 3u] : isDimmed ? dimmed : entry.rgb, opacity);
}
`

/** Points of a few pixels are squares: roundness cannot be seen there, and squares need no blending. */
export const SQUARE_SHADER = `#version 300 es
precision mediump float;
flat in vec4 fill;
flat in float width;
out vec4 color;
void main() { color = fill; }
`

/** A disc whose edge fades over one pixel, with a darker rim once it is large enough to touch its neighbours. */
export const DISC_SHADER = `#version 300 es
precision highp float;
flat in vec4 fill;
flat in float width;
out vec4 color;
void main() {
  float inside = 0.5 * width - length(gl_PointCoord - 0.5) * (width + EDGE);
  float cover = clamp(inside + 0.5, 0.0, 1.0);
  if (cover == 0.0) discard;
  float rim = width >= 7.0 ? 1.0 - clamp(inside - 0.5, 0.0, 1.0) : 0.0;
  color = vec4(fill.rgb * (1.0 - 0.3 * rim), fill.a * cover);
}
`
