//! A photo of a dog of a breed, from a seed.

use crate::breed::Breed;
use crate::camera::photograph;
use crate::canvas::Frame;
use crate::chance::Chance;
use crate::dog::Dog;
use crate::geometry::{Turn, at};
use crate::scene::{backdrop, foreground, shadow};

/// Side of a photo in pixels.
pub(crate) const SIDE_PX: usize = 160;

/// Draws photo `index` of `breed` as a JPEG file: the same bytes on every machine.
pub(crate) fn draw_photo(breed: &Breed, seed: u64, index: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed, &format!("photo/{}", breed.name), &[index]);
    let size = SIDE_PX as f32;
    let horizon = chance.within(0.35, 0.8);
    let mut canvas = backdrop(SIDE_PX, horizon, &mut chance);
    let light = at(chance.within(-0.8, 0.8), chance.within(-1.0, -0.3));
    let dog = Dog::new(breed, light, &mut chance);
    let mirrored = chance.happens(0.5);
    let turn = Turn::by(chance.around_zero(0.12));
    let from_front = chance.happens(0.35);
    let close = chance.happens(0.3);
    let (scale, squeeze) = if from_front {
        (chance.within(0.6, 0.95) * if close { 1.4 } else { 1.0 }, 1.0)
    } else {
        (chance.within(0.4, 0.6) * if close { 1.5 } else { 1.0 }, chance.within(0.7, 1.0))
    };
    let mut origin = at(
        0.5 + chance.around_zero(0.12),
        if from_front { 0.56 } else { 0.52 } + chance.around_zero(0.1),
    );
    if close {
        // A close-up shows the head, not the middle of the trunk.
        origin.y += 0.16;
        if !from_front {
            origin.x += if mirrored { -0.2 } else { 0.2 };
        }
    }
    let frame = Frame { origin: origin * size, scale: scale * size, turn, mirrored, squeeze };
    let feet = frame.outer(at(0.0, 0.2 + breed.leg_length));
    shadow(&mut canvas, feet, frame.scale * if from_front { 0.35 } else { 0.75 });
    if from_front {
        dog.draw_front(&mut canvas, &frame);
    } else {
        dog.draw_side(&mut canvas, &frame);
    }
    foreground(&mut canvas, &mut chance);
    photograph(canvas, &mut chance)
}

#[cfg(test)]
mod tests {
    use kennel_core::files::sha256_bytes;

    use super::*;
    use crate::breed::{demo_breeds, pretraining_breeds};

    #[test]
    fn photos_are_the_same_bytes_on_every_machine() {
        let photos: Vec<u8> = demo_breeds()
            .iter()
            .chain(&pretraining_breeds(40))
            .flat_map(|breed| (0..4).flat_map(|index| draw_photo(breed, 42, index)))
            .collect();
        // After a change of a drawing, pretrain the networks again (tools/pretrain_demo.sh), and
        // update this digest.
        assert_eq!(
            sha256_bytes(&photos),
            "77e2096c42344fcb1477b5293a714440aea27108208ed220a54b0f98ef7f558a"
        );
    }

    #[test]
    fn seeds_and_numbers_draw_other_dogs_of_the_same_size() {
        let breed = &demo_breeds()[0];
        let photo = draw_photo(breed, 42, 0);
        assert_ne!(photo, draw_photo(breed, 43, 0));
        assert_ne!(photo, draw_photo(breed, 42, 1));
        let decoded = image::load_from_memory(&photo).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (SIDE_PX as u32, SIDE_PX as u32));
    }
}
