//! One dog: an individual of a breed in a pose, drawn part by part from the far side to the near
//! one.

use crate::breed::{Breed, Coat, Ear, Pattern, Tail};
use crate::canvas::{Canvas, Colour, Frame, lit, mix};
use crate::chance::{Chance, Noise};
use crate::geometry::{Point, Shape, at};

/// Colours that dogs of every breed come in.
const COATS: [Colour; 9] = [
    [0.93, 0.89, 0.82],
    [0.80, 0.62, 0.38],
    [0.62, 0.40, 0.22],
    [0.40, 0.25, 0.15],
    [0.16, 0.14, 0.14],
    [0.52, 0.51, 0.52],
    [0.70, 0.46, 0.26],
    [0.33, 0.34, 0.38],
    [0.86, 0.76, 0.58],
];

/// An individual.
pub struct Dog<'a> {
    breed: &'a Breed,
    first: Colour,
    second: Colour,
    light: Point,
    noise: Noise,
    /// How far the legs are apart, how high the tail is, and how high the head is, each in about
    /// [-1, 1].
    stride: f32,
    tail: f32,
    raised: f32,
    /// A factor for each of the breed's lengths.
    varied: [f32; 8],
    tongue: bool,
    collar: Option<Colour>,
}

/// The part of the body that a place belongs to. Patterns colour the parts differently.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Trunk,
    Leg,
    Head,
    Muzzle,
    Ear,
    Tail,
}

impl<'a> Dog<'a> {
    pub fn new(breed: &'a Breed, light: Point, chance: &mut Chance) -> Self {
        let first = chance.choose(&COATS);
        let apart =
            |a: Colour, b: Colour| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let mut second = chance.choose(&COATS);
        while apart(first, second) < 0.12 {
            second = chance.choose(&COATS);
        }
        Self {
            breed,
            first,
            second,
            light,
            noise: Noise(chance.bits()),
            stride: chance.within(-1.0, 1.0),
            tail: chance.within(-1.0, 1.0),
            raised: chance.within(-1.0, 1.0),
            varied: std::array::from_fn(|_| 1.0 + chance.around_zero(0.1)),
            tongue: chance.happens(0.35),
            collar: chance.happens(0.4).then(|| {
                [chance.within(0.1, 0.9), chance.within(0.1, 0.9), chance.within(0.1, 0.9)]
            }),
        }
    }

    /// Draws the dog from the side, looking to the left. Units: the trunk's length; the trunk's
    /// middle is the origin.
    pub fn draw_side(&self, canvas: &mut Canvas, frame: &Frame) {
        let breed = self.breed;
        let [_, _, _, legs, chest, waist, neck, head] = self.varied;
        let (chest, waist) = (breed.chest_depth * chest, breed.waist * waist);
        let (shoulder, hip) = (at(-0.5, 0.0), at(0.5, 0.02));
        let ground = chest * 0.6 + breed.leg_length * legs;
        let thickness = 0.055 + 0.12 * breed.chest_depth;

        self.draw_tail(canvas, frame, at(hip.x + waist * 0.6, hip.y - waist * 0.5));
        for (from, swing, far) in [
            (at(shoulder.x + 0.1, 0.05), 0.16, true),
            (at(hip.x - 0.02, 0.05), -0.2, true),
            (at(shoulder.x, 0.05), -0.12, false),
            (at(hip.x + 0.04, 0.05), 0.14, false),
        ] {
            let foot = at(from.x + swing * self.stride + if far { 0.07 } else { 0.0 }, ground);
            let knee = at((from.x + foot.x) * 0.5 + 0.03, (from.y + ground) * 0.55);
            let dim = if far { 0.72 } else { 1.0 };
            self.part(
                canvas,
                frame,
                Part::Leg,
                dim,
                Shape::limb(from, thickness * 1.5, knee, thickness),
            );
            self.part(
                canvas,
                frame,
                Part::Leg,
                dim,
                Shape::limb(knee, thickness, foot, thickness * 0.8),
            );
            let paw = at(foot.x - thickness * 0.7, ground + thickness * 0.2);
            self.part(
                canvas,
                frame,
                Part::Leg,
                dim,
                Shape::ellipse(paw, at(thickness * 1.5, thickness * 0.8), 0.0),
            );
            if breed.coat == Coat::Curly {
                // Bracelets of longer hair.
                let cuff = at(foot.x, ground - thickness * 2.0);
                self.part(canvas, frame, Part::Leg, dim, Shape::circle(cuff, thickness * 1.7));
            }
        }
        self.part(canvas, frame, Part::Trunk, 1.0, Shape::limb(shoulder, chest, hip, waist));

        let reach = breed.neck_length * neck;
        let skull = at(
            shoulder.x - reach * (0.75 - 0.2 * self.raised),
            -reach * (0.95 + 0.3 * self.raised),
        );
        let radius = breed.head_size * head;
        let nape = at(shoulder.x + 0.02, -chest * 0.35);
        self.part(
            canvas,
            frame,
            Part::Trunk,
            1.0,
            Shape::limb(nape, chest * 0.62, skull, radius * 0.7),
        );
        if let Some(colour) = self.collar {
            let middle = nape + (skull - nape) * 0.55;
            let across = at(-(skull - nape).y, (skull - nape).x)
                * (0.75 * radius / (skull - nape).length().max(0.01));
            canvas.fill(frame, &Shape::limb(middle - across, 0.03, middle + across, 0.03), colour);
        }
        self.draw_head_side(canvas, frame, skull, radius);
    }

    fn draw_head_side(&self, canvas: &mut Canvas, frame: &Frame, skull: Point, radius: f32) {
        let breed = self.breed;
        let [ear, length, depth, ..] = self.varied;
        let droop = 0.25 - 0.3 * self.raised;
        let muzzle = radius * breed.muzzle_length * length;
        let thick = radius * breed.muzzle_depth * depth;
        let tip = skull + at(-radius * 0.75 - muzzle, radius * 0.25 + muzzle * droop);
        let ear_length = radius * breed.ear_length * ear;
        // The far ear, behind the skull.
        let ear_root = skull + at(radius * 0.35, -radius * 0.6);
        self.draw_ear(
            canvas,
            frame,
            ear_root + at(-radius * 0.35, -radius * 0.05),
            ear_length,
            0.7,
        );
        self.part(canvas, frame, Part::Head, 1.0, Shape::circle(skull, radius));
        if self.tongue {
            let jaw = tip + at(muzzle * 0.35 + thick * 0.2, thick * 0.75);
            canvas.fill(
                frame,
                &Shape::limb(jaw, thick * 0.3, jaw + at(-0.01, thick * 0.7), thick * 0.28),
                [0.85, 0.4, 0.45],
            );
        }
        let root = skull + at(-radius * 0.45, radius * 0.22);
        self.part(
            canvas,
            frame,
            Part::Muzzle,
            1.0,
            Shape::limb(root, thick * 1.15, tip, thick * 0.8),
        );
        let nose = tip + at(-thick * 0.62, -thick * 0.3);
        canvas.fill(
            frame,
            &Shape::ellipse(nose, at(thick * 0.36, thick * 0.3), 0.0),
            [0.08, 0.07, 0.07],
        );
        let mouth = tip + at(-thick * 0.3, thick * 0.32);
        canvas.fill(
            frame,
            &Shape::limb(mouth, 0.008, root + at(-thick * 0.2, thick * 0.62), 0.006),
            [0.12, 0.08, 0.08],
        );
        self.draw_eye(canvas, frame, skull + at(-radius * 0.5, -radius * 0.2), radius * 0.13);
        self.draw_ear(canvas, frame, ear_root, ear_length, 0.92);
        if breed.coat == Coat::Curly {
            self.part(
                canvas,
                frame,
                Part::Head,
                1.0,
                Shape::ellipse(
                    skull + at(radius * 0.1, -radius * 0.85),
                    at(radius * 0.75, radius * 0.6),
                    0.0,
                ),
            );
        }
    }

    /// Draws the dog from the front. Units as in `draw_side`; the origin is between the shoulders.
    pub fn draw_front(&self, canvas: &mut Canvas, frame: &Frame) {
        let breed = self.breed;
        let [ear, length, depth, legs, chest, _, neck, head] = self.varied;
        let chest = breed.chest_depth * chest;
        let radius = breed.head_size * head * 1.05;
        let thickness = 0.055 + 0.12 * breed.chest_depth;
        let ground = chest * 0.6 + breed.leg_length * legs;
        for side in [-1.0, 1.0] {
            let from = at(side * chest * 0.6, 0.05);
            let foot = at(side * chest * (0.55 + 0.12 * self.stride), ground);
            self.part(
                canvas,
                frame,
                Part::Leg,
                1.0,
                Shape::limb(from, thickness * 1.3, foot, thickness * 0.9),
            );
            let paw = Shape::ellipse(
                foot + at(0.0, thickness * 0.4),
                at(thickness * 1.2, thickness * 0.8),
                0.0,
            );
            self.part(canvas, frame, Part::Leg, 1.0, paw);
            if breed.coat == Coat::Curly {
                let cuff = at(foot.x, ground - thickness * 2.0);
                self.part(canvas, frame, Part::Leg, 1.0, Shape::circle(cuff, thickness * 1.6));
            }
        }
        let trunk = Shape::ellipse(at(0.0, 0.0), at(chest * 0.95, chest * 1.15), 0.0);
        self.part(canvas, frame, Part::Trunk, 1.0, trunk);
        let skull = at(
            0.12 * self.tail * radius,
            -chest * 0.5 - breed.neck_length * neck * (0.8 + 0.2 * self.raised),
        );
        self.part(
            canvas,
            frame,
            Part::Trunk,
            1.0,
            Shape::limb(at(0.0, -chest * 0.2), chest * 0.7, skull, radius * 0.75),
        );
        if let Some(colour) = self.collar {
            let middle = skull * 0.5;
            canvas.fill(
                frame,
                &Shape::limb(
                    middle - at(radius * 0.75, 0.0),
                    0.03,
                    middle + at(radius * 0.75, 0.0),
                    0.03,
                ),
                colour,
            );
        }
        let ear_length = radius * breed.ear_length * ear;
        let ear_at = |side: f32| skull + at(side * radius * 0.72, -radius * 0.55);
        let hangs = matches!(breed.ear, Ear::Hanging);
        if !hangs {
            self.draw_ear_front(canvas, frame, ear_at(-1.0), -1.0, ear_length);
            self.draw_ear_front(canvas, frame, ear_at(1.0), 1.0, ear_length);
        }
        self.part(
            canvas,
            frame,
            Part::Head,
            1.0,
            Shape::ellipse(skull, at(radius, radius * 1.02), 0.0),
        );
        if breed.coat == Coat::Curly {
            self.part(
                canvas,
                frame,
                Part::Head,
                1.0,
                Shape::ellipse(
                    skull + at(0.0, -radius * 0.85),
                    at(radius * 0.8, radius * 0.6),
                    0.0,
                ),
            );
        }
        // A long muzzle that points at the viewer reaches lower; it does not look longer.
        let thick = radius * breed.muzzle_depth * depth;
        let low = radius * (0.3 + 0.28 * breed.muzzle_length * length);
        let tip = skull + at(0.05 * self.stride * radius, low);
        if self.tongue {
            let jaw = tip + at(0.0, thick * 0.7);
            canvas.fill(
                frame,
                &Shape::limb(jaw, thick * 0.3, jaw + at(0.0, thick * 0.5), thick * 0.28),
                [0.85, 0.4, 0.45],
            );
        }
        self.part(
            canvas,
            frame,
            Part::Muzzle,
            1.0,
            Shape::limb(skull + at(0.0, radius * 0.2), thick * 0.9, tip, thick),
        );
        canvas.fill(
            frame,
            &Shape::ellipse(tip + at(0.0, -thick * 0.25), at(thick * 0.42, thick * 0.3), 0.0),
            [0.08, 0.07, 0.07],
        );
        canvas.fill(
            frame,
            &Shape::limb(tip, 0.006, tip + at(0.0, thick * 0.5), 0.006),
            [0.12, 0.08, 0.08],
        );
        for side in [-1.0, 1.0] {
            self.draw_eye(
                canvas,
                frame,
                skull + at(side * radius * 0.42, -radius * 0.2),
                radius * 0.13,
            );
        }
        if hangs {
            self.draw_ear_front(canvas, frame, ear_at(-1.0), -1.0, ear_length);
            self.draw_ear_front(canvas, frame, ear_at(1.0), 1.0, ear_length);
        }
    }

    fn draw_eye(&self, canvas: &mut Canvas, frame: &Frame, centre: Point, radius: f32) {
        canvas.fill(frame, &Shape::circle(centre, radius), [0.10, 0.07, 0.05]);
        canvas.fill(
            frame,
            &Shape::circle(centre + at(-radius * 0.3, -radius * 0.35), radius * 0.3),
            [0.95, 0.95, 0.95],
        );
    }

    fn draw_ear(&self, canvas: &mut Canvas, frame: &Frame, root: Point, length: f32, dim: f32) {
        let sway = 0.15 * self.stride;
        match self.breed.ear {
            Ear::Pricked => {
                let corners = [
                    root + at(-length * 0.32, length * 0.1),
                    root + at(length * 0.3, length * 0.15),
                    root + at(length * sway, -length),
                ];
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    dim,
                    Shape::Triangle { corners, radius: length * 0.06 },
                );
            }
            Ear::Hanging => {
                let tip = root + at(length * (0.15 + sway), length);
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    dim,
                    Shape::limb(root, length * 0.18, tip, length * 0.3),
                );
            }
            Ear::Folded => {
                let top = root + at(length * 0.15, -length * 0.45);
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    dim,
                    Shape::limb(root, length * 0.25, top, length * 0.16),
                );
                let corners = [
                    top + at(-length * 0.3, -length * 0.05),
                    top + at(length * 0.25, -length * 0.1),
                    top + at(-length * (0.35 - sway), length * 0.55),
                ];
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    dim * 0.85,
                    Shape::Triangle { corners, radius: length * 0.08 },
                );
            }
            Ear::Round => {
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    dim,
                    Shape::circle(root + at(length * 0.1, -length * 0.25), length * 0.45),
                );
            }
            Ear::Wing => {
                let tip = root + at(length * 0.95, -length * (0.1 + sway));
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    dim,
                    Shape::limb(root, length * 0.22, tip, length * 0.12),
                );
            }
        }
    }

    fn draw_ear_front(
        &self,
        canvas: &mut Canvas,
        frame: &Frame,
        root: Point,
        side: f32,
        length: f32,
    ) {
        let x = |x: f32, y: f32| root + at(side * x * length, y * length);
        let shape = match self.breed.ear {
            Ear::Pricked => Shape::Triangle {
                corners: [x(-0.38, 0.1), x(0.22, 0.35), x(0.12, -0.95)],
                radius: length * 0.06,
            },
            Ear::Hanging => Shape::limb(
                x(0.05, 0.0),
                length * 0.18,
                x(0.3 + 0.1 * self.stride, 1.0),
                length * 0.28,
            ),
            Ear::Folded => {
                self.part(
                    canvas,
                    frame,
                    Part::Ear,
                    0.9,
                    Shape::limb(x(-0.1, 0.15), length * 0.25, x(0.15, -0.4), length * 0.18),
                );
                Shape::Triangle {
                    corners: [x(-0.15, -0.5), x(0.45, -0.45), x(0.4, 0.25)],
                    radius: length * 0.08,
                }
            }
            Ear::Round => Shape::circle(x(0.05, -0.2), length * 0.45),
            Ear::Wing => Shape::limb(
                x(0.0, 0.1),
                length * 0.22,
                x(1.0, -0.1 - 0.15 * self.stride),
                length * 0.12,
            ),
        };
        self.part(canvas, frame, Part::Ear, 0.92, shape);
    }

    fn draw_tail(&self, canvas: &mut Canvas, frame: &Frame, root: Point) {
        let up = 0.25 + 0.35 * self.tail;
        let mut limb = |from: Point, from_radius: f32, to: Point, to_radius: f32| {
            self.part(
                canvas,
                frame,
                Part::Tail,
                0.95,
                Shape::limb(from, from_radius, to, to_radius),
            );
        };
        match self.breed.tail {
            Tail::Stub => limb(root, 0.05, root + at(0.07, -0.06), 0.04),
            Tail::Straight => limb(root, 0.05, root + at(0.4, -up), 0.025),
            Tail::Curled => {
                let points =
                    [(0.1, -0.12), (0.1, -0.27), (-0.04, -0.32), (-0.12, -0.22), (-0.04, -0.16)];
                let mut from = root;
                for (x, y) in points {
                    let to = root + at(x, y);
                    limb(from, 0.055, to, 0.055);
                    from = to;
                }
            }
            Tail::Plume => {
                let middle = root + at(0.22, -up * 0.4);
                limb(root, 0.05, middle, 0.1);
                limb(middle, 0.1, root + at(0.45, -up), 0.045);
            }
            Tail::Pompon => {
                let tip = root + at(0.18, -0.25 - 0.1 * self.tail);
                limb(root, 0.035, tip, 0.03);
                limb(tip, 0.1, tip + at(0.01, -0.02), 0.1);
            }
        }
    }

    /// Draws a part, with the coat's colour, hair and light.
    fn part(&self, canvas: &mut Canvas, frame: &Frame, part: Part, dim: f32, shape: Shape) {
        let noise = self.noise;
        let hair = |p: Point| match self.breed.coat {
            Coat::Smooth => 0.0,
            Coat::Shaggy => 0.05 * (noise.at(p.x * 16.0, p.y * 7.0) - 0.4),
            Coat::Curly => 0.06 * (noise.at(p.x * 12.0 + 40.0, p.y * 12.0) - 0.5),
        };
        let strands = |p: Point| match self.breed.coat {
            Coat::Smooth => 1.0,
            Coat::Shaggy => 0.82 + 0.36 * noise.at(p.x * 34.0, p.y * 9.0 + p.x * 6.0),
            Coat::Curly => 0.72 + 0.5 * noise.at(p.x * 22.0, p.y * 22.0),
        };
        canvas.lay(
            frame,
            &shape,
            |p| if matches!(part, Part::Muzzle) { 0.3 * hair(p) } else { hair(p) },
            |p, lean| {
                let light = (0.86 + 0.24 * lean.dot(self.light)) * dim * strands(p);
                lit(mix(self.first, self.second, self.second_colour(part, p)), light)
            },
        );
    }

    /// Returns the share of the second colour at a place.
    fn second_colour(&self, part: Part, p: Point) -> f32 {
        let noise = self.noise;
        // From 0 to 1 over a soft edge.
        let above = |value: f32, threshold: f32, edge: f32| {
            ((value - threshold) / edge + 0.5).clamp(0.0, 1.0)
        };
        match self.breed.pattern {
            Pattern::Plain => 0.0,
            Pattern::Saddle => match part {
                Part::Trunk => {
                    above(-p.y + 0.12 * (noise.at(p.x * 6.0, p.y * 6.0) - 0.5), -0.02, 0.06)
                }
                Part::Ear | Part::Tail => 0.9,
                _ => 0.0,
            },
            Pattern::Patches => above(noise.at(p.x * 4.5 + 9.0, p.y * 4.5), 0.56, 0.05),
            Pattern::Spots => {
                let (x, y) = (p.x * 13.0, p.y * 13.0);
                let (i, j) = (x.floor(), y.floor());
                let key = noise.value(i as i32 + 500, j as i32);
                let centre =
                    at(i + 0.3 + 0.4 * key, j + 0.3 + 0.4 * noise.value(i as i32, j as i32 + 700));
                let size = 0.12 + 0.28 * noise.value(i as i32 + 90, j as i32 + 90);
                if key < 0.75 { above(size, (at(x, y) - centre).length(), 0.12) } else { 0.0 }
            }
            Pattern::Brindle => {
                let x = p.x * 13.0 + p.y * 3.0 + 2.5 * noise.at(p.x * 5.0, p.y * 5.0);
                let wave = (x - x.floor() - 0.5).abs() * 2.0;
                0.85 * above(wave, 0.6, 0.25)
            }
            Pattern::Mask => match part {
                Part::Muzzle => 1.0,
                Part::Ear => 0.85,
                _ => 0.0,
            },
            Pattern::Underside => match part {
                Part::Trunk => {
                    above(p.y + 0.1 * (noise.at(p.x * 6.0, p.y * 6.0) - 0.5), 0.06, 0.06)
                }
                Part::Leg | Part::Muzzle => 0.9,
                _ => 0.0,
            },
        }
    }
}
