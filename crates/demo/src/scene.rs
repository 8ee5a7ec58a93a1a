//! The scene around a dog: light, ground, and things behind it and in front of it.

use crate::canvas::{Canvas, Colour, Frame, lit, mix};
use crate::chance::{Chance, Noise};
use crate::geometry::{Point, Shape, Turn, at};

fn any_colour(chance: &mut Chance) -> Colour {
    let grey = chance.within(0.15, 0.85);
    std::array::from_fn(|_| (grey + chance.around_zero(0.28)).clamp(0.05, 0.95))
}

/// A frame with the canvas's own coordinates.
fn plain(side: usize) -> Frame {
    Frame {
        origin: at(0.0, 0.0),
        scale: side as f32,
        turn: Turn::by(0.0),
        mirrored: false,
        squeeze: 1.0,
    }
}

/// Draws a wall or sky over the ground, textured, with a few things. Shapes are in units of the
/// canvas's side.
pub fn backdrop(side: usize, horizon: f32, chance: &mut Chance) -> Canvas {
    let (top, low, ground) = (any_colour(chance), any_colour(chance), any_colour(chance));
    let noise = Noise(chance.bits());
    let (coarse, fine) = (chance.within(0.01, 0.04), chance.within(0.06, 0.3));
    let strength = chance.within(0.05, 0.45);
    let (slope, size) = (chance.around_zero(0.15), side as f32);
    let mut canvas = Canvas::new(side, |p| {
        let texture = 0.6 * noise.at(p.x * coarse, p.y * coarse)
            + 0.4 * noise.at(p.x * fine + 70.0, p.y * fine);
        let line = (horizon + slope * (p.x / size - 0.5)) * size;
        let colour = if p.y < line { mix(top, low, p.y / line.max(1.0)) } else { ground };
        lit(colour, 1.0 + strength * (texture - 0.5) * 2.0)
    });
    let frame = plain(side);
    for _ in 0..chance.bits() % 5 {
        let colour = any_colour(chance);
        let shape = thing(at(chance.unit(), horizon - chance.within(-0.15, 0.45)), chance);
        canvas.lay(&frame, &shape, |_| 0.0, |_, lean| lit(colour, 1.0 + 0.15 * lean.y));
    }
    canvas
}

fn thing(centre: Point, chance: &mut Chance) -> Shape {
    let size = chance.within(0.04, 0.22);
    match chance.bits() % 3 {
        0 => Shape::ellipse(
            centre,
            at(size, size * chance.within(0.4, 1.2)),
            chance.around_zero(0.6),
        ),
        1 => Shape::limb(
            centre,
            size * 0.3,
            centre + at(chance.around_zero(0.3), chance.within(-0.5, 0.1)),
            size * 0.2,
        ),
        _ => {
            let corner = |chance: &mut Chance| {
                centre + at(chance.within(-size, size), chance.within(-size, size)) * 1.4
            };
            Shape::Triangle {
                corners: [corner(chance), corner(chance), corner(chance)],
                radius: size * 0.15,
            }
        }
    }
}

/// Draws the shadow on the ground below a place.
pub fn shadow(canvas: &mut Canvas, below: Point, width: f32) {
    let frame = plain(canvas.side);
    let size = canvas.side as f32;
    let centre = at(below.x / size, below.y / size);
    canvas.shade(&frame, &Shape::ellipse(centre, at(width / size, 0.16 * width / size), 0.0), 0.75);
}

/// Draws grass, posts or leaves, which cover a part of the dog more often than not.
pub fn foreground(canvas: &mut Canvas, chance: &mut Chance) {
    let frame = plain(canvas.side);
    let colour = any_colour(chance);
    match chance.bits() % 6 {
        0 => {
            for _ in 0..24 {
                let root = at(chance.unit(), 1.02);
                let tip = root + at(chance.around_zero(0.1), -chance.within(0.08, 0.36));
                let shade = lit(colour, chance.within(0.7, 1.2));
                canvas.fill(&frame, &Shape::limb(root, 0.012, tip, 0.003), shade);
            }
        }
        1 => {
            let x = chance.within(0.15, 0.85);
            let lean = chance.around_zero(0.1);
            let width = chance.within(0.015, 0.05);
            canvas.fill(&frame, &Shape::limb(at(x, -0.1), width, at(x + lean, 1.1), width), colour);
        }
        2 => {
            for _ in 0..2 + chance.bits() % 3 {
                let shape = thing(at(chance.unit(), chance.within(0.3, 1.0)), chance);
                canvas.lay(&frame, &shape, |_| 0.0, |_, lean| lit(colour, 1.0 + 0.2 * lean.y));
            }
        }
        3 => {
            let y = chance.within(0.45, 0.95);
            canvas.fill(
                &frame,
                &Shape::limb(at(-0.1, y), 0.02, at(1.1, y + chance.around_zero(0.1)), 0.02),
                colour,
            );
        }
        _ => {}
    }
}
