//! Recognises folders that are parts of a division by their names: `train`, `Validation`,
//! `test_set`, `seg_train`, `train2017`, `dogs_test`.

use kennel_core::Split;

/// Names of the parts.
const WORDS: [(Split, &[&str]); 3] = [
    (Split::Train, &["train", "training", "trainset", "trainingset"]),
    (
        Split::Val,
        &["val", "valid", "validation", "valset", "validset", "validationset", "dev", "devset"],
    ),
    (Split::Test, &["test", "testing", "testset", "testingset"]),
];

/// Words that may accompany the name of a part.
const BESIDE: [&str; 12] = [
    "set", "data", "dataset", "image", "images", "img", "imgs", "photos", "pictures", "seg",
    "split", "folder",
];

/// Returns which of some sibling folders are parts, by their names alone. A part has one word of a
/// division, and no other word that distinguishes it; or it differs from another folder only in
/// that word (`ILSVRC2012_img_train` and `.._val`).
pub(crate) fn parts_among(names: &[&str]) -> Vec<Option<Split>> {
    let read: Vec<Option<(Split, Vec<String>)>> =
        names.iter().map(|name| part_and_rest(name)).collect();
    let is_part = |split: Split, rest: &[String]| {
        let is_other_part =
            |(other, their_rest): &(Split, Vec<String>)| *other != split && their_rest == rest;
        rest.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
            || read.iter().flatten().any(is_other_part)
    };
    read.iter()
        .map(|read| read.as_ref().filter(|(split, rest)| is_part(*split, rest)).map(|read| read.0))
        .collect()
}

/// Returns the part that a name has one word of, and its other words: a class of toys may be called
/// `toy train`.
fn part_and_rest(name: &str) -> Option<(Split, Vec<String>)> {
    let split_of =
        |word: &str| WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(split, _)| *split);
    let words = words(name);
    let mut splits = words.iter().filter_map(|word| split_of(word));
    let (Some(split), None) = (splits.next(), splits.next()) else { return None };
    let rest = |word: &String| split_of(word).is_none() && !BESIDE.contains(&word.as_str());
    Some((split, words.into_iter().filter(rest).collect()))
}

/// Splits a name into runs of letters and runs of digits, in lower case; `TrainSet` is two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in name.chars() {
        let goes_on = match letter {
            _ if letter.is_ascii_digit() => before.is_ascii_digit(),
            _ if letter.is_alphanumeric() => {
                before.is_alphabetic() && !(before.is_lowercase() && letter.is_uppercase())
            }
            _ => false,
        };
        match words.last_mut() {
            Some(word) if goes_on => word.extend(letter.to_lowercase()),
            _ if letter.is_alphanumeric() => words.push(letter.to_lowercase().collect()),
            _ => {}
        }
        before = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_one_word_and_classes_that_have_it_among_others_are_none() {
        use Split::{Test, Train, Val};
        let cases: [(&[&str], &[Option<Split>]); 9] = [
            (&["Training", "VALID", "test_set"], &[Some(Train), Some(Val), Some(Test)]),
            (&["seg_train", "seg_test", "seg_pred"], &[Some(Train), Some(Test), None]),
            (&["train2017", "val2017", "annotations"], &[Some(Train), Some(Val), None]),
            (&["TrainSet", "testImages", "dev"], &[Some(Train), Some(Test), Some(Val)]),
            (&["train-1", "train-2"], &[Some(Train), Some(Train)]),
            (&["ILSVRC2012_img_train", "ILSVRC2012_img_val"], &[Some(Train), Some(Val)]),
            (&["dogs_train", "cats_train", "dogs_test"], &[Some(Train), None, Some(Test)]),
            (&["toy train", "toy_car", "pregnancy_test", "trains"], &[None; 4]),
            (&["trainval", "train_test", "поезд", "Testudo", ""], &[None; 5]),
        ];
        for (names, expected) in cases {
            assert_eq!(parts_among(names), expected, "{names:?}");
        }
    }
}
