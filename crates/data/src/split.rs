//! Splits photos into training, validation and test parts: stratified, seeded, and with no picture
//! on two sides.

use kennel_core::Split;

use crate::chance::Chance;
use crate::error::{DataError, Result};

/// Shares of each class; the rest is for testing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    /// For training.
    pub train: f64,
    /// For validation.
    pub val: f64,
}

impl Default for Fractions {
    fn default() -> Self {
        Self { train: 0.70, val: 0.15 }
    }
}

impl Fractions {
    /// # Errors
    ///
    /// [`DataError::Fractions`] when they are negative, not numbers, leave nothing to train on or
    /// sum to more than 1.
    pub fn check(&self) -> Result<()> {
        // In some orders of summation, 0.7 + 0.3 is a hair above 1.
        let fine = self.train > 0.0 && self.val >= 0.0 && self.train + self.val <= 1.0 + 1e-9;
        if fine { Ok(()) } else { Err(DataError::Fractions { train: self.train, val: self.val }) }
    }

    /// Returns the number of photos in each part of a class of `n`: the f64 products truncated, as
    /// Python's `int`, and the rest.
    pub fn counts(&self, n: usize) -> [usize; 3] {
        let train = ((self.train * n as f64) as usize).min(n);
        let val = ((self.val * n as f64) as usize).min(n - train);
        [train, val, n - train - val]
    }

    /// Counts for a source with a test part but no validation part: validation is carved out of
    /// training, in the same proportion.
    pub fn carved_counts(&self, n: usize) -> [usize; 3] {
        let val = ((self.val / (self.train + self.val) * n as f64) as usize).min(n);
        [n - val, val, 0]
    }
}

/// Assigns each photo a part.
///
/// - `class_indices[i]` is the class of photo `i`.
/// - `contents[i]` is a number that only photos with the contents of photo `i` have.
/// - The photos of a group (indices into those lists) stay together.
/// - `counts` gives the wanted part sizes of a class of n photos.
///
/// A photo draws its place in the order of its class from its contents alone. So renaming a class
/// moves no photo, nor does adding another class, and one photo more or less moves at most one
/// across each border. This keeps the photos that yesterday's network was tested on out of
/// tomorrow's training.
///
/// A group goes to a part with room for it in every class that it touches. Among several, the draw
/// is weighted by their room. If none has room, the group goes where most room is, and the counts
/// differ from the wanted ones.
pub fn stratified(
    class_indices: &[usize],
    class_count: usize,
    contents: &[u64],
    groups: &[Vec<usize>],
    counts: impl Fn(usize) -> [usize; 3],
    seed: u64,
) -> Vec<Split> {
    let mut room: Vec<[usize; 3]> = (0..class_count)
        .map(|class| counts(class_indices.iter().filter(|&&index| index == class).count()))
        .collect();
    let mut parts: Vec<Option<usize>> = vec![None; class_indices.len()];

    let place = |photo: usize| Chance::new(seed, "split", &[contents[photo]]).below(u64::MAX);
    let first_of =
        |group: &[usize]| group.iter().map(|&photo| contents[photo]).min().unwrap_or_default();
    let mut order: Vec<(u64, &Vec<usize>)> = groups
        .iter()
        .filter(|group| group.len() > 1)
        .map(|group| (first_of(group), group))
        .collect();
    // Place large groups first, while there is room.
    order.sort_by_key(|(first, group)| (std::cmp::Reverse(group.len()), *first));
    for (first, group) in order {
        let mut needs = std::collections::BTreeMap::<usize, usize>::new();
        for &photo in group {
            *needs.entry(class_indices[photo]).or_default() += 1;
        }
        let rooms: [usize; 3] =
            std::array::from_fn(|part| needs.keys().map(|&class| room[class][part]).sum());
        let fits: [usize; 3] = std::array::from_fn(|part| {
            let fits = needs.iter().all(|(&class, &need)| room[class][part] >= need);
            if fits { rooms[part] } else { 0 }
        });
        let all: usize = fits.iter().sum();
        let part = if all == 0 {
            (0..3).max_by_key(|&part| (rooms[part], std::cmp::Reverse(part))).unwrap_or(0)
        } else {
            let mut draw = Chance::new(seed, "split-groups", &[first]).below(all as u64) as usize;
            (0..3)
                .find(|&part| {
                    let here = draw < fits[part];
                    draw = draw.saturating_sub(fits[part]);
                    here
                })
                .unwrap_or(0)
        };
        for (class, need) in needs {
            // Take what does not fit from the room of the other parts, so that the class total
            // stays right.
            let mut short = need.saturating_sub(room[class][part]);
            room[class][part] = room[class][part].saturating_sub(need);
            for other in [0, 1, 2] {
                let taken = short.min(room[class][other]);
                room[class][other] -= taken;
                short -= taken;
            }
        }
        for &photo in group {
            parts[photo] = Some(part);
        }
    }

    for (class, room) in room.iter_mut().enumerate() {
        let mut single: Vec<usize> = (0..class_indices.len())
            .filter(|&photo| class_indices[photo] == class && parts[photo].is_none())
            .collect();
        single.sort_by_cached_key(|&photo| place(photo));
        for photo in single {
            let part = (0..3).find(|&part| room[part] > 0).unwrap_or(0);
            room[part] = room[part].saturating_sub(1);
            parts[photo] = Some(part);
        }
    }
    parts.into_iter().map(|part| Split::ALL[part.unwrap_or(0)]).collect()
}

/// Returns the first 64 bits of a photo's SHA-256 in hexadecimal digits. They stand for its
/// contents.
pub(crate) fn contents(sha256: &str) -> u64 {
    sha256.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(
        classes: &[usize],
        class_count: usize,
        groups: &[Vec<usize>],
        seed: u64,
    ) -> Vec<Split> {
        let contents: Vec<u64> = (0..classes.len() as u64).collect();
        stratified(
            classes,
            class_count,
            &contents,
            groups,
            |n| Fractions::default().counts(n),
            seed,
        )
    }

    fn count(splits: &[Split], classes: &[usize], class: usize) -> [usize; 3] {
        Split::ALL.map(|split| {
            splits.iter().zip(classes).filter(|&(&s, &c)| s == split && c == class).count()
        })
    }

    #[test]
    fn the_published_counts_come_out() {
        for (n, expected) in [
            (195, [136, 29, 30]),
            (151, [105, 22, 24]),
            (152, [106, 22, 24]),
            (150, [105, 22, 23]),
            (1, [0, 0, 1]),
            (2, [1, 0, 1]),
            (10, [7, 1, 2]),
        ] {
            assert_eq!(Fractions::default().counts(n), expected, "{n}");
        }
    }

    #[test]
    fn a_split_is_stratified_seeded_and_indifferent_to_other_classes() {
        let classes: Vec<usize> = (0..345).map(|photo| usize::from(photo >= 195)).collect();
        let split = |classes: &[usize], seed| divided(classes, 2, &[], seed);
        let splits = split(&classes, 42);
        assert_eq!(count(&splits, &classes, 0), [136, 29, 30]);
        assert_eq!(count(&splits, &classes, 1), [105, 22, 23]);
        assert_eq!(splits, split(&classes, 42));
        assert_ne!(splits, split(&classes, 43));
        let mut more = classes.clone();
        more.push(1);
        let with_more = split(&more, 42);
        assert_eq!(splits[..195], with_more[..195]);
        let moved = splits.iter().zip(&with_more).filter(|(before, after)| before != after).count();
        assert!(moved <= 2, "one photo more moved {moved} of its class");
        // A class that sorts before the others.
        let mut before = vec![0; 10];
        before.extend(classes.iter().map(|class| class + 1));
        let contents: Vec<u64> = (1000..1010).chain(0..345).collect();
        let counts = |n| Fractions::default().counts(n);
        assert_eq!(stratified(&before, 3, &contents, &[], counts, 42)[10..], splits);
    }

    #[test]
    fn groups_stay_on_one_side_for_every_seed_and_counts_hold_where_they_fit() {
        let classes: Vec<usize> = (0..60).map(|photo| photo / 30).collect();
        let groups = vec![vec![0, 1], vec![5, 40], vec![10, 11, 12, 41, 42], vec![20, 21, 22, 23]];
        let mut parts_seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let splits = divided(&classes, 2, &groups, seed);
            for group in &groups {
                assert!(
                    group.iter().all(|&photo| splits[photo] == splits[group[0]]),
                    "seed {seed}"
                );
            }
            parts_seen.insert(splits[0]);
            assert_eq!(count(&splits, &classes, 0), [21, 4, 5], "seed {seed}");
            assert_eq!(count(&splits, &classes, 1), [21, 4, 5], "seed {seed}");
        }
        assert_eq!(parts_seen.len(), 3, "groups are not always trained on");
    }

    #[test]
    fn a_group_too_large_for_any_part_takes_room_from_the_others() {
        let classes = vec![0; 10];
        let groups = vec![(0..9).collect::<Vec<_>>()];
        let splits = divided(&classes, 1, &groups, 42);
        assert_eq!(count(&splits, &classes, 0), [9, 0, 1]);
    }

    #[test]
    fn fractions_that_divide_nothing_are_refused() {
        for (train, val) in [(0.0, 0.5), (0.9, 0.2), (-0.1, 0.1), (f64::NAN, 0.1), (0.5, f64::NAN)]
        {
            assert!(Fractions { train, val }.check().is_err(), "{train} {val}");
        }
        assert!(Fractions { train: 0.7, val: 0.3 }.check().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn groups_stay_together_and_the_order_of_photos_decides_nothing(
            class_indices in proptest::collection::vec(0usize..4, 1..120),
            group_of in proptest::collection::vec(0usize..60, 120),
            train in 0.05f64..0.9,
            seed in proptest::num::u64::ANY,
        ) {
            let fractions = Fractions { train, val: (1.0 - train) / 2.0 };
            let photos = class_indices.len();
            let contents: Vec<u64> = (0..photos as u64).map(|photo| photo * 7919).collect();
            let groups: Vec<Vec<usize>> = (0..60)
                .map(|group| (0..photos).filter(|&photo| group_of[photo] == group).collect())
                .filter(|members: &Vec<usize>| !members.is_empty())
                .collect();
            let counts = |n| fractions.counts(n);
            let splits = stratified(&class_indices, 4, &contents, &groups, counts, seed);
            for group in &groups {
                proptest::prop_assert!(group.iter().all(|&photo| splits[photo] == splits[group[0]]));
            }

            // The same photos from last to first.
            let last_first = |photo: usize| photos - 1 - photo;
            let classes: Vec<usize> = class_indices.iter().rev().copied().collect();
            let reversed: Vec<u64> = contents.iter().rev().copied().collect();
            let turned: Vec<Vec<usize>> =
                groups.iter().map(|group| group.iter().map(|&photo| last_first(photo)).collect()).collect();
            let again = stratified(&classes, 4, &reversed, &turned, counts, seed);
            proptest::prop_assert!((0..photos).all(|photo| splits[photo] == again[last_first(photo)]));

            // Without groups every class is divided as asked.
            let alone = stratified(&class_indices, 4, &contents, &[], counts, seed);
            for class in 0..4 {
                let of_class = class_indices.iter().filter(|&&index| index == class).count();
                proptest::prop_assert_eq!(count(&alone, &class_indices, class), counts(of_class));
            }
        }
    }
}
