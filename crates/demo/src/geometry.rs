//! Points, turns and the shapes that dogs are made of.
//!
//! It uses only `+ - * /` and square roots, which every machine rounds alike: a drawing is the same
//! bytes everywhere.

use std::ops::{Add, Mul, Sub};

/// A point or a direction, `x` to the right and `y` down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

/// A point.
pub const fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Add for Point {
    type Output = Point;

    fn add(self, other: Point) -> Point {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Point;

    fn sub(self, other: Point) -> Point {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Point;

    fn mul(self, factor: f32) -> Point {
        at(self.x * factor, self.y * factor)
    }
}

impl Point {
    pub fn dot(self, other: Point) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// Turned by `turn`.
    pub fn turned(self, turn: Turn) -> Point {
        at(self.x * turn.cos - self.y * turn.sin, self.x * turn.sin + self.y * turn.cos)
    }
}

/// A rotation.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    cos: f32,
    sin: f32,
}

impl Turn {
    /// Returns the rotation whose half angle has this tangent: about `2 t` radians, clockwise on
    /// the screen. This avoids a library's sine, whose last bit depends on the machine.
    pub fn by(tangent_of_half: f32) -> Self {
        let square = tangent_of_half * tangent_of_half;
        Self { cos: (1.0 - square) / (1.0 + square), sin: 2.0 * tangent_of_half / (1.0 + square) }
    }

    pub fn back(self) -> Self {
        Self { cos: self.cos, sin: -self.sin }
    }
}

/// A filled shape.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Two circles and all that lies between them.
    RoundCone { from: Point, from_radius: f32, to: Point, to_radius: f32 },
    /// An ellipse, turned.
    Ellipse { centre: Point, radii: Point, turn: Turn },
    /// A triangle with round corners.
    Triangle { corners: [Point; 3], radius: f32 },
}

/// Where a point lies relative to a shape.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Distance to the edge, negative inside (for ellipses nearly so).
    pub distance: f32,
    /// The direction from the middle, with length 0 in the middle and 1 at the edge: for the light.
    pub lean: Point,
}

impl Shape {
    pub fn circle(centre: Point, radius: f32) -> Self {
        Shape::Ellipse { centre, radii: at(radius, radius), turn: Turn::by(0.0) }
    }

    pub fn ellipse(centre: Point, radii: Point, turn: f32) -> Self {
        Shape::Ellipse { centre, radii, turn: Turn::by(turn) }
    }

    pub fn limb(from: Point, from_radius: f32, to: Point, to_radius: f32) -> Self {
        Shape::RoundCone { from, from_radius, to, to_radius }
    }

    /// Returns the smallest box around the shape: its upper left and lower right corner.
    pub fn bounds(&self) -> (Point, Point) {
        let around = |points: &[(Point, f32)]| {
            let mut low = at(f32::MAX, f32::MAX);
            let mut high = at(f32::MIN, f32::MIN);
            for (p, radius) in points {
                low = at(low.x.min(p.x - radius), low.y.min(p.y - radius));
                high = at(high.x.max(p.x + radius), high.y.max(p.y + radius));
            }
            (low, high)
        };
        match *self {
            Shape::RoundCone { from, from_radius, to, to_radius } => {
                around(&[(from, from_radius), (to, to_radius)])
            }
            Shape::Ellipse { centre, radii, .. } => around(&[(centre, radii.x.max(radii.y))]),
            Shape::Triangle { corners: [a, b, c], radius } => {
                around(&[(a, radius), (b, radius), (c, radius)])
            }
        }
    }

    /// Returns where `p` lies.
    pub fn place(&self, p: Point) -> Place {
        match *self {
            Shape::RoundCone { from, from_radius, to, to_radius } => {
                let axis = to - from;
                let along = ((p - from).dot(axis) / axis.dot(axis).max(1e-9)).clamp(0.0, 1.0);
                let radius = from_radius + (to_radius - from_radius) * along;
                let off = p - (from + axis * along);
                Place { distance: off.length() - radius, lean: off * (1.0 / radius.max(1e-6)) }
            }
            Shape::Ellipse { centre, radii, turn } => {
                let inner = (p - centre).turned(turn.back());
                let scaled = at(inner.x / radii.x, inner.y / radii.y);
                let distance = (scaled.length() - 1.0) * radii.x.min(radii.y);
                Place { distance, lean: scaled.turned(turn) }
            }
            Shape::Triangle { corners, radius } => {
                let centre = (corners[0] + corners[1] + corners[2]) * (1.0 / 3.0);
                let distance = to_triangle(corners, p) - radius;
                let size = (corners[0] - centre).length().max(1e-6);
                Place { distance, lean: (p - centre) * (1.0 / size) }
            }
        }
    }
}

/// Signed distance to a triangle (Quilez, "2D distance functions").
fn to_triangle([a, b, c]: [Point; 3], p: Point) -> f32 {
    let cross = |u: Point, v: Point| u.x * v.y - u.y * v.x;
    let orientation = if cross(b - a, a - c) < 0.0 { -1.0 } else { 1.0 };
    let mut nearest = f32::MAX;
    let mut side = f32::MAX;
    for (from, to) in [(a, b), (b, c), (c, a)] {
        let edge = to - from;
        let off = p - from;
        let along = (off.dot(edge) / edge.dot(edge).max(1e-9)).clamp(0.0, 1.0);
        let to_edge = off - edge * along;
        nearest = nearest.min(to_edge.dot(to_edge));
        side = side.min(orientation * cross(off, edge));
    }
    let distance = nearest.sqrt();
    if side > 0.0 { -distance } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_negative_inside_and_grow_outwards() {
        let triangle =
            Shape::Triangle { corners: [at(0.0, 0.0), at(4.0, 0.0), at(0.0, 3.0)], radius: 0.0 };
        assert!((triangle.place(at(1.0, 1.0)).distance + 0.8).abs() < 0.21);
        assert!((triangle.place(at(2.0, -1.0)).distance - 1.0).abs() < 1e-6);
        let limb = Shape::limb(at(0.0, 0.0), 1.0, at(10.0, 0.0), 2.0);
        assert!((limb.place(at(5.0, 4.5)).distance - 3.0).abs() < 1e-6);
        assert!((Shape::circle(at(1.0, 1.0), 2.0).place(at(1.0, 1.0)).distance + 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_turn_there_and_back_is_none() {
        let turn = Turn::by(0.3);
        let p = at(3.0, -2.0).turned(turn).turned(turn.back());
        assert!((p - at(3.0, -2.0)).length() < 1e-5);
    }
}
