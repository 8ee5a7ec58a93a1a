//! Random erasing: sets a rectangle of the normalised planes to 0.

use crate::chance::Chance;
use crate::window::Window;

/// torchvision's defaults.
const SCALE: [f64; 2] = [0.02, 0.33];
const RATIO: [f64; 2] = [0.3, 3.3];

/// Draws the rectangle to erase from a square of `side` pixels, or none if ten attempts do not fit.
/// `RandomErasing.get_params` of torchvision 0.29.
pub(crate) fn erasing_window(side: u32, chance: &mut Chance) -> Option<Window> {
    let area = f64::from(side) * f64::from(side);
    (0..10).find_map(|_| {
        let target = area * chance.uniform(SCALE[0], SCALE[1]);
        let aspect = chance.uniform(RATIO[0].ln(), RATIO[1].ln()).exp();
        let height = (target * aspect).sqrt().round_ties_even() as u32;
        let width = (target / aspect).sqrt().round_ties_even() as u32;
        (height < side && width < side).then(|| Window {
            top: chance.below(u64::from(side - height) + 1) as u32,
            left: chance.below(u64::from(side - width) + 1) as u32,
            width,
            height,
        })
    })
}

/// Sets the window to 0 in each plane of `[3, side, side]`.
pub(crate) fn erase(planes: &mut [f32], side: u32, window: Window) {
    let side = side as usize;
    let (left, top) = (window.left as usize, window.top as usize);
    for plane in planes.chunks_exact_mut(side * side) {
        for row in plane.chunks_exact_mut(side).skip(top).take(window.height as usize) {
            row[left..left + window.width as usize].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erased_rectangles_lie_inside_and_have_the_drawn_area() {
        let mut chance = Chance::new(3, "augment", &[0, 0]);
        for _ in 0..2000 {
            let window = erasing_window(224, &mut chance).expect("ten attempts at 33 % suffice");
            assert!(window.left + window.width <= 224 && window.top + window.height <= 224);
            let mut planes = vec![1.0; 3 * 224 * 224];
            erase(&mut planes, 224, window);
            let erased = planes.iter().filter(|value| **value == 0.0).count();
            assert_eq!(erased, 3 * (window.width * window.height) as usize);
            let share = f64::from(window.width * window.height) / f64::from(224 * 224);
            assert!((0.018..0.335).contains(&share), "{share}");
        }
    }
}
