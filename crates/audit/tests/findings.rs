//! What an audit finds in photos made for it, and what holds for all photos.

use kennel_audit::{Audit, Features, JudgedPhoto, JudgedPhotos, audit, neighbour_distances};
use kennel_core::{DuplicateGroup, DuplicateKind};
use proptest::collection::vec;
use proptest::prelude::*;

/// Audits photos given as label and probabilities; the path of each is its number.
fn audited(
    rows: &[(usize, Vec<f64>)],
    features: Option<Features>,
    duplicates: &[DuplicateGroup],
) -> Audit {
    let class_names: Vec<String> = (0..rows[0].1.len()).map(|class| format!("c{class}")).collect();
    let paths: Vec<String> = (0..rows.len()).map(|at| at.to_string()).collect();
    let photos: Vec<JudgedPhoto> =
        paths.iter().zip(rows).map(|(path, &(label, _))| JudgedPhoto { path, label }).collect();
    let probabilities: Vec<f64> = rows.iter().flat_map(|(_, row)| row.clone()).collect();
    let probabilities = &probabilities;
    audit(&JudgedPhotos {
        class_names: &class_names,
        photos: &photos,
        probabilities,
        features,
        duplicates,
    })
    .unwrap()
}

fn sure(label: usize, class: usize) -> (usize, Vec<f64>) {
    let mut row = vec![0.05, 0.05, 0.05];
    row[class] = 0.9;
    (label, row)
}

#[test]
fn a_swapped_label_is_listed_with_its_class() {
    let mut rows: Vec<_> = (0..60).map(|photo| sure(photo % 3, photo % 3)).collect();
    rows[7] = sure(1, 2);
    let found = audited(&rows, None, &[]);
    assert_eq!(found.wrong_labels.len(), 1);
    let wrong = &found.wrong_labels[0];
    assert_eq!((&*wrong.path, &*wrong.label, &*wrong.suggested), ("7", "c1", "c2"));
    assert_eq!(found.estimated_wrong.count, 1);
    assert_eq!(found.classes[1].listed, 1);
    assert_eq!(found.as_labelled.correct, 59);
    assert!(found.ambiguous.is_empty() && found.outliers.is_none());
    assert!(found.contradictions.is_empty() && found.class_pairs.is_empty());
}

#[test]
fn photos_between_two_classes_are_ambiguous_and_photos_between_all_are_not() {
    let mut rows: Vec<_> = (0..30).map(|photo| sure(photo % 3, photo % 3)).collect();
    rows.push((0, vec![0.48, 0.5, 0.02]));
    rows.push((0, vec![0.49, 0.02, 0.49]));
    rows.push((0, vec![0.35, 0.33, 0.32]));
    rows.push((0, vec![0.02, 0.49, 0.49]));
    let found = audited(&rows, None, &[]);
    let listed: Vec<_> = found.ambiguous.iter().map(|p| (&*p.path, &*p.other)).collect();
    let is_wrong = |path: &str| found.wrong_labels.iter().any(|wrong| wrong.path == path);
    assert!(!is_wrong("31") && listed.contains(&("31", "c2")), "{listed:?}");
    assert!(!listed.iter().any(|&(path, _)| path == "32" || path == "33"), "{listed:?}");
    assert!(is_wrong("30") || listed.contains(&("30", "c1")), "it is in one of the two lists");
}

#[test]
fn copies_under_two_classes_contradict_each_other() {
    let mut rows: Vec<_> = (0..12).map(|photo| sure(photo % 3, photo % 3)).collect();
    rows[3] = sure(0, 1);
    let group = |kind, paths: &[&str]| DuplicateGroup {
        kind,
        paths: paths.iter().map(|&path| path.into()).collect(),
        crosses_splits: false,
    };
    let found = audited(
        &rows,
        None,
        &[
            group(DuplicateKind::Exact, &["3", "4", "not audited"]),
            group(DuplicateKind::Near, &["0", "6"]),
            group(DuplicateKind::Alike, &["0", "1"]),
        ],
    );
    assert_eq!(found.contradictions.len(), 1);
    let picture = &found.contradictions[0];
    assert_eq!((picture.kind, &*picture.likeliest), (DuplicateKind::Exact, "c1"));
    assert_eq!(picture.copies.len(), 2);
}

#[test]
fn classes_taken_for_each_other_are_a_pair_and_one_that_swallows_another_is_not() {
    let mut rows: Vec<_> = (0..90).map(|photo| sure(photo % 3, photo % 3)).collect();
    // Half of class 0 is predicted as class 1, and the other way round.
    for photo in (0..90).filter(|photo| photo % 6 < 2) {
        let label = photo % 3;
        rows[photo] = sure(label, 1 - label);
    }
    let found = audited(&rows, None, &[]);
    assert_eq!(found.class_pairs.len(), 1);
    let pair = &found.class_pairs[0];
    assert_eq!((&*pair.first, &*pair.second), ("c0", "c1"));
    assert_eq!((pair.first_as_second.correct, pair.first_as_second.n), (15, 30));
    for row in rows.iter_mut().filter(|(label, _)| *label == 1) {
        *row = sure(1, 1);
    }
    assert!(audited(&rows, None, &[]).class_pairs.is_empty());
}

#[test]
fn a_photo_far_from_all_others_is_an_outlier() {
    let rows: Vec<_> = (0..41).map(|photo| sure(photo % 3, photo % 3)).collect();
    let mut values: Vec<f32> =
        (0..41 * 4).map(|at| if at % 4 == 0 { 1.0 } else { (at * 7 % 11) as f32 / 40.0 }).collect();
    values[40 * 4..].copy_from_slice(&[-1.0, 0.5, 0.0, 0.0]);
    let outliers =
        audited(&rows, Some(Features { values: &values, width: 4 }), &[]).outliers.unwrap();
    assert_eq!(outliers.len(), 1);
    assert!(outliers[0].path == "40" && outliers[0].multiple.unwrap() > 10.0, "{outliers:?}");
    let same = vec![0.5_f32; 41 * 4];
    let none = audited(&rows, Some(Features { values: &same, width: 4 }), &[]).outliers.unwrap();
    assert!(none.is_empty(), "photos that are all the same are no outliers: {none:?}");
}

/// Photos of four classes: label and probabilities.
fn photos() -> impl Strategy<Value = Vec<(usize, Vec<f64>)>> {
    let row = vec(0.001f64..1.0, 4).prop_map(|row| {
        let sum: f64 = row.iter().sum();
        row.iter().map(|share| share / sum).collect::<Vec<f64>>()
    });
    vec((0usize..4, row), 1..80)
}

proptest! {
    #[test]
    fn no_class_is_listed_whole_and_no_predicted_label_is_listed(rows in photos()) {
        let found = audited(&rows, None, &[]);
        for class in &found.classes {
            prop_assert!(class.listed == 0 || class.listed < class.photos);
            prop_assert!(class.estimated_wrong.low <= class.estimated_wrong.count as f64);
            prop_assert!(class.estimated_wrong.count as f64 <= class.estimated_wrong.high);
        }
        for wrong in &found.wrong_labels {
            prop_assert!(wrong.label != wrong.suggested);
            prop_assert!(wrong.label_probability < wrong.suggested_probability);
            prop_assert!(!found.ambiguous.iter().any(|photo| photo.path == wrong.path));
        }
    }

    #[test]
    fn the_order_of_the_photos_changes_no_list(rows in photos()) {
        let reversed: Vec<_> = rows.iter().rev().cloned().collect();
        let (one, other) = (audited(&rows, None, &[]), audited(&reversed, None, &[]));
        let last = rows.len() - 1;
        let listed = |audit: &Audit| -> Vec<usize> {
            audit.wrong_labels.iter().map(|wrong| wrong.path.parse().unwrap()).collect()
        };
        let mut paths: Vec<usize> = listed(&other).iter().map(|path| last - path).collect();
        let mut expected = listed(&one);
        paths.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(paths, expected);
        prop_assert_eq!(one.estimated_wrong, other.estimated_wrong);
        prop_assert_eq!(one.class_pairs, other.class_pairs);
    }

    #[test]
    fn the_length_of_features_changes_no_distance(
        values in vec(-1.0f32..1.0, 12 * 5), scale in 0.5f32..20.0,
    ) {
        let longer: Vec<f32> = values.iter().map(|value| value * scale).collect();
        let of = |values: &[f32]| neighbour_distances(Features { values, width: 5 }, 3);
        for (one, other) in of(&values).iter().zip(of(&longer)) {
            prop_assert!((one - other).abs() < 1e-5 && (0.0..=2.0 + 1e-6).contains(one));
        }
    }
}
