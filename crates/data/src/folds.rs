//! Divides photos into folds for cross-validation: stratified by class, seeded, and with no picture
//! and no group on two sides.

use std::collections::{BTreeMap, HashMap};

use kennel_core::{Manifest, Split};

use crate::chance::Chance;
use crate::error::{DataError, Result};
use crate::split::contents;
use crate::union::united;

/// Returns a fold, from 0 to `folds` - 1, for each photo. Photos of one group get the same fold.
///
/// - `class_indices[i]` is the class of photo `i`, an index into `classes`.
/// - `groups[i]` is a number that the photos of one group have, and no others. A photo without
///   companions has a number of its own.
///
/// Groups are placed one after another: first those with the most photos, then by class, then in an
/// order drawn from `seed` and their numbers. A group goes to the fold with the least of its
/// classes, as shares of each class; of several such folds, to the one with the fewest photos.
///
/// - The result depends on classes, groups and seed only, not on the order of the photos.
/// - Where every group is of one class, the folds' counts of a class differ by at most the size of
///   its largest group. So without groups they differ by at most one, and so do their totals.
/// - A group of several classes goes where it does the least harm. The counts may then differ more,
///   and with few groups, a fold can hold every photo of a class, or none.
///
/// Source: `StratifiedGroupKFold` of scikit-learn 1.9. Differs: that places groups by the variance
/// of their classes, and compares folds by the mean over the classes of the standard deviation of
/// their shares. Here the sum of the squared shares grows least, which for groups of one class is
/// the fold with the fewest photos of it.
///
/// # Errors
///
/// - [`DataError::TooFewFolds`] for fewer than two folds.
/// - [`DataError::FoldsOfOneClass`] if the photos are of fewer than two classes.
/// - [`DataError::TooManyFolds`] if a class has fewer photos, or groups, than there are folds.
///
/// # Panics
///
/// When `class_indices` and `groups` have different lengths, or an index is no class.
pub fn folds(
    class_indices: &[usize],
    classes: &[String],
    groups: &[u64],
    folds: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    assert_eq!(class_indices.len(), groups.len(), "a group for each photo");
    let mut by_number: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (photo, &number) in groups.iter().enumerate() {
        by_number.entry(number).or_default().push(photo);
    }
    let groups: Vec<Group> = by_number
        .into_iter()
        .map(|(number, photos)| Group::new(number, photos, class_indices, seed))
        .collect();
    check(class_indices, classes, &groups, folds)?;

    let mut of_class = vec![0.0; classes.len()];
    class_indices.iter().for_each(|&class| of_class[class] += 1.0);
    let mut order: Vec<&Group> = groups.iter().collect();
    order.sort_by_key(|group| group.place());
    let mut counts = vec![vec![0.0; classes.len()]; folds];
    let mut totals = vec![0; folds];
    let mut fold_of = vec![0; class_indices.len()];
    for group in order {
        // The squared shares (x + g)^2 / n^2 grow by (2 x g + g^2) / n^2, and g^2 is the same in
        // every fold.
        let harm = |fold: usize| -> f64 {
            let of = |&(class, count): &(usize, usize)| {
                counts[fold][class] * count as f64 / (of_class[class] * of_class[class])
            };
            group.classes.iter().map(of).sum()
        };
        let best = (0..folds)
            .min_by(|&a, &b| harm(a).total_cmp(&harm(b)).then(totals[a].cmp(&totals[b])))
            .unwrap_or(0);
        group.classes.iter().for_each(|&(class, count)| counts[best][class] += count as f64);
        totals[best] += group.photos.len();
        group.photos.iter().for_each(|&photo| fold_of[photo] = best);
    }
    Ok(fold_of)
}

/// Returns a fold for each photo of some parts of a data set, in the manifest's order. Photos that
/// are the same, that look alike, or that are in one group stay in one fold ([`group_numbers`]).
///
/// # Errors
///
/// As [`folds`].
pub fn folds_of(
    manifest: &Manifest,
    parts: &[Split],
    folds_wanted: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    let numbers = group_numbers(manifest);
    let (class_indices, groups): (Vec<usize>, Vec<u64>) = manifest
        .photos
        .iter()
        .zip(numbers)
        .filter(|(photo, _)| parts.contains(&photo.split))
        .map(|(photo, number)| {
            (manifest.classes.binary_search(&photo.label).unwrap_or_default(), number)
        })
        .unzip();
    folds(&class_indices, &manifest.classes, &groups, folds_wanted, seed)
}

/// Returns a number for each photo of a manifest, in its order: equal for photos that belong on one
/// side of a division. These are the manifest's duplicates of every kind and the photos of its
/// groups, also through a chain of both and through photos of other parts.
///
/// The number comes from the contents of the photos, not from their paths or their order.
pub fn group_numbers(manifest: &Manifest) -> Vec<u64> {
    let photos = &manifest.photos;
    let at: HashMap<&str, usize> =
        photos.iter().enumerate().map(|(at, photo)| (photo.path.as_str(), at)).collect();
    let mut sets: Vec<Vec<usize>> = manifest
        .duplicates
        .iter()
        .map(|group| group.paths.iter().filter_map(|path| at.get(path.as_str()).copied()).collect())
        .collect();
    let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, photo) in photos.iter().enumerate() {
        if let Some(group) = &photo.group {
            by_group.entry(group).or_default().push(at);
        }
    }
    sets.extend(by_group.into_values());
    let united = united(photos.len(), sets.iter().map(Vec::as_slice));
    let mut smallest: HashMap<usize, u64> = HashMap::new();
    for (photo, set) in photos.iter().zip(&united) {
        let contents = contents(&photo.sha256);
        smallest
            .entry(*set)
            .and_modify(|smallest| *smallest = contents.min(*smallest))
            .or_insert(contents);
    }
    united.iter().map(|set| smallest[set]).collect()
}

/// Photos that stay together.
struct Group {
    number: u64,
    photos: Vec<usize>,
    /// Its classes, ascending, and how many of its photos each has.
    classes: Vec<(usize, usize)>,
    drawn: u64,
}

impl Group {
    fn new(number: u64, photos: Vec<usize>, class_indices: &[usize], seed: u64) -> Self {
        let mut classes: BTreeMap<usize, usize> = BTreeMap::new();
        photos.iter().for_each(|&photo| *classes.entry(class_indices[photo]).or_default() += 1);
        let drawn = Chance::new(seed, "folds", &[number]).below(u64::MAX);
        Group { number, photos, classes: classes.into_iter().collect(), drawn }
    }

    /// Sort key: in this order groups are placed.
    fn place(&self) -> impl Ord + use<> {
        let first_class = self.classes[0].0;
        (std::cmp::Reverse(self.photos.len()), first_class, self.drawn, self.number)
    }
}

fn check(
    class_indices: &[usize],
    classes: &[String],
    groups: &[Group],
    folds: usize,
) -> Result<()> {
    if folds < 2 {
        return Err(DataError::TooFewFolds { folds });
    }
    let mut counts = vec![(0, 0); classes.len()];
    class_indices.iter().for_each(|&class| counts[class].0 += 1);
    groups.iter().flat_map(|group| &group.classes).for_each(|&(class, _)| counts[class].1 += 1);
    let mut with_photos = (0..classes.len()).filter(|&class| counts[class].0 > 0);
    let (first, second) = (with_photos.next(), with_photos.next());
    if second.is_none() {
        return Err(DataError::FoldsOfOneClass {
            class: first.map(|first| classes[first].clone()),
        });
    }
    let smallest = counts.iter().enumerate().min_by_key(|(_, (_, groups))| *groups);
    match smallest {
        Some((class, &(photos, groups))) if groups < folds => {
            Err(DataError::TooManyFolds { folds, class: classes[class].clone(), photos, groups })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use kennel_core::{DuplicateGroup, DuplicateKind, PhotoRecord};
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    /// How many photos of each class each fold has.
    fn counts(
        class_indices: &[usize],
        fold_of: &[usize],
        classes: usize,
        k: usize,
    ) -> Vec<Vec<usize>> {
        let mut counts = vec![vec![0; k]; classes];
        for (&class, &fold) in class_indices.iter().zip(fold_of) {
            counts[class][fold] += 1;
        }
        counts
    }

    fn spread(counts: &[usize]) -> usize {
        counts.iter().max().unwrap() - counts.iter().min().unwrap()
    }

    #[test]
    fn without_groups_classes_and_folds_are_as_even_as_they_can_be() {
        let sizes = [59, 13, 27, 5];
        let classes: Vec<usize> =
            sizes.iter().enumerate().flat_map(|(class, &n)| vec![class; n]).collect();
        let alone: Vec<u64> = (0..classes.len() as u64).collect();
        let fold_of = folds(&classes, &names(4), &alone, 5, 42).unwrap();
        let counts = counts(&classes, &fold_of, 4, 5);
        assert!(counts.iter().all(|of_class| spread(of_class) <= 1), "{counts:?}");
        let totals: Vec<usize> =
            (0..5).map(|fold| counts.iter().map(|of_class| of_class[fold]).sum()).collect();
        assert!(spread(&totals) <= 1, "{totals:?}");
        assert_eq!(fold_of, folds(&classes, &names(4), &alone, 5, 42).unwrap());
        assert_ne!(fold_of, folds(&classes, &names(4), &alone, 5, 43).unwrap());
    }

    #[test]
    fn what_cannot_be_divided_is_refused_by_name() {
        let classes = [0, 0, 0, 1, 1, 1, 1];
        let divide =
            |classes: &[usize], groups: &[u64], k| folds(classes, &names(3)[..2], groups, k, 42);
        let alone: Vec<u64> = (0..7).collect();
        assert!(matches!(divide(&classes, &alone, 1), Err(DataError::TooFewFolds { folds: 1 })));
        let error = divide(&classes, &alone, 4).unwrap_err();
        assert!(
            matches!(&error, DataError::TooManyFolds { class, photos: 3, groups: 3, .. } if class == "class 0"),
            "{error}"
        );
        // Two of the four belong together.
        let error = divide(&classes, &[0, 1, 2, 3, 3, 4, 4], 3).unwrap_err();
        assert!(
            matches!(&error, DataError::TooManyFolds { class, photos: 4, groups: 2, .. } if class == "class 1"),
            "{error}"
        );
        assert!(divide(&classes, &alone, 3).is_ok());
        let error = divide(&[1; 7], &alone, 3).unwrap_err();
        assert!(
            matches!(&error, DataError::FoldsOfOneClass { class: Some(class) } if class == "class 1"),
            "{error}"
        );
        assert!(divide(&[], &[], 2).is_err());
        // A class of the data set without a photo here.
        let error = folds(&classes, &names(3), &alone, 2, 42).unwrap_err();
        assert!(matches!(&error, DataError::TooManyFolds { photos: 0, .. }), "{error}");
    }

    #[test]
    fn a_group_of_two_classes_is_made_up_for_in_both() {
        let classes = [0, 0, 1, 0, 1, 1];
        let fold_of = folds(&classes, &names(2), &[7, 7, 7, 8, 9, 10], 2, 1).unwrap();
        assert_eq!(counts(&classes, &fold_of, 2, 2), [[2, 1], [1, 2]]);
    }

    #[test]
    fn duplicates_and_groups_are_united_through_photos_of_other_parts() {
        let photo = |path: &str, digit: char, split, group: Option<&str>| PhotoRecord {
            path: path.into(),
            source: path.into(),
            label: path[..1].into(),
            split,
            width_px: 64,
            height_px: 64,
            sha256: digit.to_string().repeat(64),
            group: group.map(String::from),
        };
        let manifest = Manifest {
            version: 1,
            division: "stratified".into(),
            grouped_by: None,
            seed: 42,
            classes: vec!["a".into(), "b".into()],
            photos: vec![
                photo("a/1", '5', Split::Train, None),
                photo("a/2", '4', Split::Train, Some("burst")),
                photo("a/3", '3', Split::Train, None),
                photo("b/1", '2', Split::Train, None),
                photo("b/2", '1', Split::Val, None),
                photo("b/3", '9', Split::Test, Some("burst")),
            ],
            rejected: Vec::new(),
            duplicates: vec![DuplicateGroup {
                kind: DuplicateKind::Alike,
                paths: vec!["b/3".into(), "a/1".into()],
                crosses_splits: true,
            }],
            notes: Vec::new(),
        };
        let numbers = group_numbers(&manifest);
        let digits = [4, 4, 3, 2, 1, 4].map(|digit: u64| digit * 0x1111_1111_1111_1111);
        assert_eq!(numbers, digits);
        let fold_of = folds_of(&manifest, &[Split::Train, Split::Val], 2, 42).unwrap();
        assert_eq!(fold_of.len(), 5);
        assert_eq!(fold_of[0], fold_of[1]);
        assert_ne!(fold_of[0], fold_of[2]);
    }

    proptest! {
        #[test]
        fn no_group_is_on_two_sides_and_the_order_of_photos_decides_nothing(
            class_indices in prop::collection::vec(0usize..4, 30..150),
            group_of in prop::collection::vec(0u64..60, 150),
            k in 2usize..6,
            seed in prop::num::u64::ANY,
        ) {
            let groups = &group_of[..class_indices.len()];
            let divide = |classes: &[usize], groups: &[u64]| folds(classes, &names(4), groups, k, seed);
            let Ok(fold_of) = divide(&class_indices, groups) else { return Ok(()) };
            prop_assert!(fold_of.iter().all(|&fold| fold < k));
            let mut seen = HashMap::new();
            for (group, fold) in groups.iter().zip(&fold_of) {
                prop_assert_eq!(seen.entry(group).or_insert(fold), &fold);
            }

            let reversed: Vec<usize> = class_indices.iter().rev().copied().collect();
            let reversed_groups: Vec<u64> = groups.iter().rev().copied().collect();
            let mut again = divide(&reversed, &reversed_groups).unwrap();
            again.reverse();
            prop_assert_eq!(again, fold_of);
        }

        #[test]
        fn a_class_is_as_even_as_its_largest_group_allows(
            // Sizes of the groups of each class.
            sizes in prop::collection::vec(prop::collection::vec(1usize..7, 6..30), 2..5),
            k in 2usize..7,
            seed in prop::num::u64::ANY,
        ) {
            let (mut class_indices, mut groups) = (Vec::new(), Vec::new());
            for (class, sizes) in sizes.iter().enumerate() {
                for (group, &size) in sizes.iter().enumerate() {
                    class_indices.extend(vec![class; size]);
                    groups.extend(vec![(100 * class + group) as u64; size]);
                }
            }
            let fold_of = folds(&class_indices, &names(sizes.len()), &groups, k, seed).unwrap();
            let counts = counts(&class_indices, &fold_of, sizes.len(), k);
            for (of_class, sizes) in counts.iter().zip(&sizes) {
                let largest = *sizes.iter().max().unwrap();
                prop_assert!(spread(of_class) <= largest, "{:?} {:?}", of_class, sizes);
                prop_assert!(of_class.iter().all(|&count| count > 0));
            }
        }
    }
}
