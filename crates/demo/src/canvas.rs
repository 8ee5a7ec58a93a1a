//! The canvas: a square of colours, on which shapes are laid one after the other.

use crate::geometry::{Point, Shape, Turn, at};

/// Red, green and blue in [0, 1].
pub type Colour = [f32; 3];

/// Colours, row by row.
pub struct Canvas {
    pub side: usize,
    pub pixels: Vec<Colour>,
}

/// Where a figure's own coordinates lie on the canvas, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub origin: Point,
    /// Pixels per unit.
    pub scale: f32,
    pub turn: Turn,
    /// Whether left and right are swapped.
    pub mirrored: bool,
    /// Visible share of its width, for a figure that is turned away.
    pub squeeze: f32,
}

impl Frame {
    /// Maps a point of the canvas to the figure.
    fn inner(&self, p: Point) -> Point {
        let p = (p - self.origin).turned(self.turn.back()) * (1.0 / self.scale);
        let x = p.x / self.squeeze;
        at(if self.mirrored { -x } else { x }, p.y)
    }

    /// Maps a point of the figure to the canvas.
    pub fn outer(&self, p: Point) -> Point {
        let x = if self.mirrored { -p.x } else { p.x } * self.squeeze;
        self.origin + (at(x, p.y) * self.scale).turned(self.turn)
    }
}

impl Canvas {
    /// Gives every pixel the colour at its middle.
    pub fn new(side: usize, mut colour: impl FnMut(Point) -> Colour) -> Self {
        let mut pixels = Vec::with_capacity(side * side);
        for y in 0..side {
            for x in 0..side {
                pixels.push(colour(at(x as f32 + 0.5, y as f32 + 0.5)));
            }
        }
        Self { side, pixels }
    }

    /// Lays `shape`, given in the figure's units, over the canvas. `rough` moves its edge inwards
    /// by so many units at a place. `colour` gets the place in the figure, and how the surface
    /// leans on the canvas.
    pub fn lay(
        &mut self,
        frame: &Frame,
        shape: &Shape,
        rough: impl Fn(Point) -> f32,
        colour: impl Fn(Point, Point) -> Colour,
    ) {
        let (low, high) = shape.bounds();
        let corners = [low, high, at(low.x, high.y), at(high.x, low.y)].map(|p| frame.outer(p));
        let side = self.side;
        let range = |of: fn(&Point) -> f32| {
            let low = corners.iter().map(of).fold(f32::MAX, f32::min) - 2.0;
            let high = corners.iter().map(of).fold(f32::MIN, f32::max) + 2.0;
            (low.max(0.0) as usize)..(high.max(0.0) as usize + 1).min(side)
        };
        for y in range(|p| p.y) {
            for x in range(|p| p.x) {
                let p = frame.inner(at(x as f32 + 0.5, y as f32 + 0.5));
                let place = shape.place(p);
                let distance = (place.distance + rough(p)) * frame.scale;
                if distance < 0.5 {
                    let lean =
                        at(if frame.mirrored { -place.lean.x } else { place.lean.x }, place.lean.y)
                            .turned(frame.turn);
                    self.blend(x, y, colour(p, lean), 0.5 - distance);
                }
            }
        }
    }

    /// Lays a shape of one colour.
    pub fn fill(&mut self, frame: &Frame, shape: &Shape, colour: Colour) {
        self.lay(frame, shape, |_| 0.0, |_, _| colour);
    }

    /// Darkens what a shape covers.
    pub fn shade(&mut self, frame: &Frame, shape: &Shape, share: f32) {
        let (low, high) = shape.bounds();
        let (low, high) = (frame.outer(low), frame.outer(high));
        for y in (low.y.min(high.y).max(0.0) as usize)
            ..(high.y.max(low.y).max(0.0) as usize).min(self.side)
        {
            for x in (low.x.min(high.x).max(0.0) as usize)
                ..(high.x.max(low.x).max(0.0) as usize).min(self.side)
            {
                let lean =
                    shape.place(frame.inner(at(x as f32 + 0.5, y as f32 + 0.5))).lean.length();
                self.blend(x, y, [0.0; 3], share * (1.0 - lean).clamp(0.0, 1.0));
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, colour: Colour, share: f32) {
        let share = share.clamp(0.0, 1.0);
        let pixel = &mut self.pixels[y * self.side + x];
        for (old, new) in pixel.iter_mut().zip(colour) {
            *old += (new - *old) * share;
        }
    }
}

/// Mixes two colours.
pub fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
}

/// Makes a colour brighter or darker.
pub fn lit(colour: Colour, light: f32) -> Colour {
    colour.map(|c| c * light)
}
