//! What distinguishes the breeds of cartoon dogs. Colour does not: every breed comes in all of
//! them.

use crate::chance::Chance;

/// A breed: what its dogs have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Breed {
    /// Name of its folder.
    pub name: String,
    pub(crate) ear: Ear,
    /// In units of the head's radius, like all lengths of the head.
    pub(crate) ear_length: f32,
    pub(crate) muzzle_length: f32,
    pub(crate) muzzle_depth: f32,
    pub(crate) pattern: Pattern,
    pub(crate) coat: Coat,
    /// In units of the trunk's length, like all lengths of the body.
    pub(crate) leg_length: f32,
    pub(crate) chest_depth: f32,
    pub(crate) waist: f32,
    pub(crate) neck_length: f32,
    pub(crate) head_size: f32,
    pub(crate) tail: Tail,
}

/// How ears are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ear {
    /// Upright triangles.
    Pricked,
    /// Hanging beside the cheeks.
    Hanging,
    /// Upright, the tip folded over.
    Folded,
    /// Round and upright, as a bear's.
    Round,
    /// Spread to the side.
    Wing,
}

/// Where the second colour lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Nowhere.
    Plain,
    /// On the back.
    Saddle,
    /// In large patches.
    Patches,
    /// In small spots.
    Spots,
    /// In stripes.
    Brindle,
    /// On the muzzle and the ears.
    Mask,
    /// On chest, belly and legs.
    Underside,
}

/// What the hair is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coat {
    Smooth,
    Shaggy,
    Curly,
}

/// What the tail is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    Stub,
    Straight,
    Curled,
    Plume,
    Pompon,
}

const EARS: [Ear; 5] = [Ear::Pricked, Ear::Hanging, Ear::Folded, Ear::Round, Ear::Wing];
const PATTERNS: [Pattern; 7] = [
    Pattern::Plain,
    Pattern::Saddle,
    Pattern::Patches,
    Pattern::Spots,
    Pattern::Brindle,
    Pattern::Mask,
    Pattern::Underside,
];
const COATS: [Coat; 3] = [Coat::Smooth, Coat::Shaggy, Coat::Curly];
const TAILS: [Tail; 5] = [Tail::Stub, Tail::Straight, Tail::Curled, Tail::Plume, Tail::Pompon];

/// Returns the five breeds that the demonstration classifies. They are invented, so that no network
/// was pretrained on them. Each shares traits with others, so that no single trait gives the class
/// away.
pub fn demo_breeds() -> Vec<Breed> {
    let breed = |name: &str, ear, pattern, coat, tail, head: [f32; 3], body: [f32; 5]| Breed {
        name: name.into(),
        ear,
        ear_length: head[0],
        muzzle_length: head[1],
        muzzle_depth: head[2],
        pattern,
        coat,
        leg_length: body[0],
        chest_depth: body[1],
        waist: body[2],
        neck_length: body[3],
        head_size: body[4],
        tail,
    };
    vec![
        breed(
            "cloudle",
            Ear::Hanging,
            Pattern::Plain,
            Coat::Curly,
            Tail::Pompon,
            [1.2, 1.05, 0.42],
            [0.62, 0.25, 0.17, 0.34, 0.2],
        ),
        breed(
            "flopper",
            Ear::Hanging,
            Pattern::Saddle,
            Coat::Smooth,
            Tail::Straight,
            [1.25, 0.9, 0.5],
            [0.4, 0.27, 0.22, 0.24, 0.21],
        ),
        breed(
            "grumble",
            Ear::Folded,
            Pattern::Mask,
            Coat::Smooth,
            Tail::Stub,
            [0.7, 0.45, 0.68],
            [0.56, 0.31, 0.2, 0.28, 0.23],
        ),
        breed(
            "meadower",
            Ear::Hanging,
            Pattern::Underside,
            Coat::Shaggy,
            Tail::Plume,
            [0.85, 0.9, 0.52],
            [0.54, 0.3, 0.25, 0.3, 0.21],
        ),
        breed(
            "wolfling",
            Ear::Pricked,
            Pattern::Saddle,
            Coat::Shaggy,
            Tail::Plume,
            [1.0, 1.1, 0.45],
            [0.58, 0.29, 0.2, 0.32, 0.19],
        ),
    ]
}

/// Returns random breeds to pretrain on. None has the ears, the pattern and the coat of one of the
/// five, and no two of them agree in all three.
pub fn pretraining_breeds(count: usize) -> Vec<Breed> {
    let mut chance = Chance::new(1, "breeds", &[]);
    let mut taken = demo_breeds();
    let five = taken.len();
    while taken.len() < five + count {
        let breed = Breed {
            name: format!("breed_{:02}", taken.len() - five + 1),
            ear: chance.choose(&EARS),
            ear_length: chance.within(0.6, 1.4),
            muzzle_length: chance.within(0.35, 1.3),
            muzzle_depth: chance.within(0.35, 0.72),
            pattern: chance.choose(&PATTERNS),
            coat: chance.choose(&COATS),
            leg_length: chance.within(0.25, 0.75),
            chest_depth: chance.within(0.2, 0.34),
            waist: chance.within(0.13, 0.26),
            neck_length: chance.within(0.2, 0.4),
            head_size: chance.within(0.17, 0.25),
            tail: chance.choose(&TAILS),
        };
        let alike = |other: &Breed| {
            (other.ear, other.pattern, other.coat) == (breed.ear, breed.pattern, breed.coat)
        };
        if !taken.iter().any(alike) {
            taken.push(breed);
        }
    }
    taken.split_off(five)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_the_breeds_that_are_pretrained_on_is_one_of_the_five() {
        let five = demo_breeds();
        let others = pretraining_breeds(40);
        assert_eq!(others, pretraining_breeds(40));
        for other in &others {
            for one in &five {
                assert_ne!(
                    (one.ear, one.pattern, one.coat),
                    (other.ear, other.pattern, other.coat)
                );
            }
        }
    }
}
