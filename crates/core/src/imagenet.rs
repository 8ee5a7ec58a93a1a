//! ImageNet-1k's classes: the synset and names of each of the 1000 outputs of a pretrained head,
//! and how the classes of a data set are matched to them.
//!
//! Source: `imagenet_classes.tsv`, made by `tools/imagenet_classes.py` from the package data of
//! timm 1.0.31: the class order of ILSVRC 2012 and the lemmas of WordNet 3.0 (Princeton
//! University).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{CoreError, Hint, Result, composed, did_you_mean};

/// One class of ImageNet-1k; its index is its place in [`classes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagenetClass {
    /// WordNet id: `n02088364`.
    pub synset: &'static str,
    /// WordNet's lemmas, the usual name first: `German shepherd`, `German shepherd dog`, ...
    pub names: Vec<&'static str>,
}

/// How a class of a data set was matched to an output of the ImageNet head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// By the folder's name: a name of the ImageNet class, or its synset.
    Name,
    /// By the file names, which all begin with one synset.
    FileNames,
    /// By the user's choice.
    Given,
}

/// A class of a data set and the matching output of the ImageNet head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassMatch {
    /// Name of the class in the data set.
    pub label: String,
    /// Output of the 1000-class head.
    pub imagenet_index: usize,
    /// WordNet id.
    pub synset: String,
    /// How the match was found.
    pub by: MatchedBy,
}

struct Table {
    classes: Vec<ImagenetClass>,
    by_synset: HashMap<&'static str, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table =
        Table { classes: Vec::new(), by_synset: HashMap::new(), by_name: HashMap::new() };
    for (index, line) in include_str!("imagenet_classes.tsv").lines().enumerate() {
        let (synset, lemmas) = line.split_once('\t').expect("two columns, held by a test");
        let names: Vec<&str> = lemmas.split(", ").collect();
        for name in &names {
            let indices = table.by_name.entry(normalised(name)).or_default();
            if !indices.contains(&index) {
                indices.push(index);
            }
        }
        table.by_synset.insert(synset, index);
        table.classes.push(ImagenetClass { synset, names });
    }
    table
});

/// Returns the 1000 classes, in the order of a pretrained head.
pub fn classes() -> &'static [ImagenetClass] {
    &TABLE.classes
}

/// Returns the output for a synset: 162 for `n02088364`.
pub fn index_of_synset(synset: &str) -> Option<usize> {
    TABLE.by_synset.get(synset).copied()
}

/// Returns the output for a name: 235 for `german_shepherd`.
///
/// Names are compared in lower case, with every run of characters other than letters and digits
/// read as one `_`. Any full lemma counts. Returns `None` when no class has the name or several do:
/// `crane` is a bird and a machine.
pub fn index_of_name(name: &str) -> Option<usize> {
    match indices_of_name(name) {
        [index] => Some(*index),
        _ => None,
    }
}

/// Whether a folder's name denotes a class of ImageNet-1k: a synset (`n02088364`,
/// `n02088364-beagle`), or the name of one or several classes.
pub fn is_name_of_class(name: &str) -> bool {
    leading_synset(name).and_then(index_of_synset).is_some() || !indices_of_name(name).is_empty()
}

/// Finds the output of the ImageNet head for every class of a data set, in the order of `classes`.
///
/// A class is matched by the first of these that applies:
///
/// - the user's choice in `given`, which maps a label to a synset or name (poodle to n02113624,
///   gato to tabby);
/// - the name of its folder, which may be a lemma or a synset (`n02088364`, `n02088364-beagle`);
/// - the synset with which all its file names begin (`n02113624_1001.jpg`).
///
/// # Errors
///
/// - [`CoreError::NotImagenet`] when a class has no match.
/// - [`CoreError::UnknownSynset`] when a given value is not the synset or name of exactly one
///   ImageNet-1k class.
/// - [`CoreError::UnknownWord`] when `given` names a class that the data set lacks.
/// - [`CoreError::SameImagenetClass`] when two classes match the same output.
pub fn match_classes(
    classes: &[String],
    file_names_of: impl Fn(&str) -> Vec<String>,
    given: &BTreeMap<String, String>,
) -> Result<Vec<ClassMatch>> {
    let given: BTreeMap<String, &String> =
        given.iter().map(|(label, synset)| (composed(label), synset)).collect();
    if let Some(label) = given.keys().find(|label| !classes.contains(label)) {
        return Err(CoreError::UnknownWord {
            what: "class",
            found: label.clone(),
            expected: classes.join(", "),
            nearest: crate::did_you_mean(label, classes.iter().map(String::as_str))
                .map(String::from),
        });
    }
    if let Some((label, said)) = given.iter().find(|(_, said)| index_said(said).is_none()) {
        return Err(CoreError::UnknownSynset {
            class: label.clone(),
            found: said.to_string(),
            hint: candidates_hint(label, said, &[]),
        });
    }
    let match_one = |label: &String| match_class(label, &file_names_of, given.get(label).copied());
    let matched: Vec<_> = classes.iter().map(match_one).collect();
    let lost: Vec<&str> = classes
        .iter()
        .zip(&matched)
        .filter(|(_, matched)| matched.is_err())
        .map(|(label, _)| label.as_str())
        .collect();
    let mut label_at: HashMap<usize, &str> = HashMap::new();
    let mut matches = Vec::with_capacity(classes.len());
    for (label, matched) in classes.iter().zip(matched) {
        let (imagenet_index, by) = matched.map_err(|error| beside_others(error, &lost))?;
        let synset = TABLE.classes[imagenet_index].synset.to_string();
        if let Some(first) = label_at.insert(imagenet_index, label) {
            return Err(CoreError::SameImagenetClass {
                first: first.to_string(),
                second: label.clone(),
                synset,
                name: TABLE.classes[imagenet_index].names[0],
                imagenet_index,
            });
        }
        matches.push(ClassMatch { label: label.clone(), imagenet_index, synset, by });
    }
    Ok(matches)
}

/// Counts the files that are named like photos of ImageNet-1k (`n02113624_1001.jpg`): a network
/// pretrained on it has most likely seen them. Names may be paths with `/`.
pub fn pretraining_overlap<S: AsRef<str>>(file_names: impl IntoIterator<Item = S>) -> usize {
    let is_imagenet = |name: &str| {
        leading_synset(name).is_some_and(|synset| {
            let number = base_name(name)[synset.len()..].strip_prefix('_').unwrap_or_default();
            let (number, extension) = number.split_once('.').unwrap_or_default();
            !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && !extension.is_empty()
                && index_of_synset(synset).is_some()
        })
    };
    file_names.into_iter().filter(|name| is_imagenet(name.as_ref())).count()
}

fn match_class(
    label: &str,
    file_names_of: &impl Fn(&str) -> Vec<String>,
    given: Option<&String>,
) -> Result<(usize, MatchedBy)> {
    if let Some(index) = given.and_then(|said| index_said(said)) {
        return Ok((index, MatchedBy::Given));
    }
    if let Some(index) =
        leading_synset(label).and_then(index_of_synset).or_else(|| index_of_name(label))
    {
        return Ok((index, MatchedBy::Name));
    }
    let file_names = file_names_of(label);
    let mut synsets: BTreeMap<&str, usize> = BTreeMap::new();
    for synset in file_names.iter().filter_map(|name| photo_synset(name)) {
        *synsets.entry(synset).or_default() += 1;
    }
    let named: usize = synsets.values().sum();
    if let [synset] = synsets.keys().copied().collect::<Vec<_>>()[..]
        && named == file_names.len()
        && let Some(index) = index_of_synset(synset)
    {
        return Ok((index, MatchedBy::FileNames));
    }
    let by_name = match indices_of_name(label) {
        [] => "is not an ImageNet-1k class by name".to_string(),
        several => {
            let synsets: Vec<&str> =
                several.iter().map(|&index| TABLE.classes[index].synset).collect();
            format!("is the name of several ImageNet-1k classes ({})", synsets.join(", "))
        }
    };
    Err(CoreError::NotImagenet {
        class: label.into(),
        reason: format!("{by_name}, and {}", files_say(&synsets, file_names.len() - named)),
        others: Vec::new(),
        hint: candidates_hint(label, label, &synsets.into_keys().collect::<Vec<_>>()),
    })
}

/// Adds the other unmatched classes to the error of the first, so that the user can give all of
/// them at once.
fn beside_others(mut error: CoreError, lost: &[&str]) -> CoreError {
    if let (CoreError::NotImagenet { others, .. }, [_, rest @ ..]) = (&mut error, lost) {
        *others = rest.iter().map(ToString::to_string).collect();
    }
    error
}

/// Describes the file names of an unmatched class, as the end of a sentence.
fn files_say(synsets: &BTreeMap<&str, usize>, unnamed: usize) -> String {
    const SHOWN: usize = 5;
    let mut list = synsets.keys().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if synsets.len() > SHOWN {
        list += &format!(" and {} others", synsets.len() - SHOWN);
    }
    match (synsets.len(), unnamed) {
        (0, 0) => "it has no files".into(),
        (0, _) => "its file names begin with no synset".into(),
        (1, 0) => format!("its files begin with {list}, which is not one of ImageNet-1k's"),
        (_, 0) => format!("its files begin with {list}"),
        (_, _) => format!("its files begin with {list}, or ({unnamed} of them) with no synset"),
    }
}

/// Returns the classes that `said` or the file names may mean.
fn candidates_hint(label: &str, said: &str, file_synsets: &[&str]) -> Box<Hint> {
    const SHOWN: usize = 10;
    let words = format!("_{}_", normalised(said));
    let contains = |name: &&str| format!("_{}_", normalised(name)).contains(&words);
    let mut indices: Vec<usize> =
        file_synsets.iter().copied().filter_map(index_of_synset).collect();
    if indices.is_empty() && words.len() > 2 {
        indices = (0..TABLE.classes.len())
            .filter(|&index| TABLE.classes[index].names.iter().any(contains))
            .collect();
    }
    if indices.is_empty() {
        let names = TABLE.classes.iter().flat_map(|class| class.names.iter().copied());
        // By chance, a word of another language is close to one of the thousand names.
        let is_slip = |name: &&str| {
            let (typed, name) = (normalised(said), normalised(name));
            strsim::damerau_levenshtein(&typed, &name) <= typed.chars().count() / 5
        };
        let near = did_you_mean(said, names).filter(is_slip);
        indices.extend(near.map(indices_of_name).unwrap_or_default());
    }
    let named = |&index: &usize| {
        let ImagenetClass { synset, names } = &TABLE.classes[index];
        // Show the name that matched.
        (*synset, *names.iter().find(|name| contains(name)).unwrap_or(&names[0]))
    };
    Box::new(Hint::Synset {
        class: label.into(),
        candidates: indices.iter().take(SHOWN).map(named).collect(),
        more: indices.len().saturating_sub(SHOWN),
    })
}

/// Returns the output for a synset or a name that the user gave.
fn index_said(said: &str) -> Option<usize> {
    index_of_synset(said).or_else(|| index_of_name(said))
}

fn indices_of_name(name: &str) -> &'static [usize] {
    TABLE.by_name.get(&normalised(name)).map_or(&[], Vec::as_slice)
}

/// Returns the synset of a photo named `n02113624_*`.
fn photo_synset(file_name: &str) -> Option<&str> {
    let synset = leading_synset(file_name)?;
    base_name(file_name)[synset.len()..].starts_with('_').then_some(synset)
}

/// Returns the synset that a name begins with, unless a letter or digit follows it.
fn leading_synset(name: &str) -> Option<&str> {
    let name = base_name(name);
    let synset = name.get(..9)?;
    let is_synset =
        synset.starts_with('n') && synset[1..].bytes().all(|byte| byte.is_ascii_digit());
    let ends = !name[9..].starts_with(char::is_alphanumeric);
    (is_synset && ends).then_some(synset)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn normalised(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    for part in name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        if !result.is_empty() {
            result.push('_');
        }
        result.extend(part.chars().flat_map(char::to_lowercase));
    }
    result
}

impl fmt::Display for MatchedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            MatchedBy::Name => "by name",
            MatchedBy::FileNames => "by file names",
            MatchedBy::Given => "as given",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hinted;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(label, synset)| (label.to_string(), synset.to_string())).collect()
    }

    fn no_files(_: &str) -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn the_table_has_a_thousand_different_synsets_in_order_of_the_head() {
        assert_eq!(classes().len(), 1000);
        assert_eq!(TABLE.by_synset.len(), 1000);
        // ILSVRC 2012 numbers its classes in the order of their WordNet ids.
        assert!(classes().is_sorted_by(|a, b| a.synset < b.synset));
        for (index, class) in classes().iter().enumerate() {
            assert_eq!(leading_synset(class.synset), Some(class.synset), "class {index}");
            assert!(class.names.iter().all(|name| !normalised(name).is_empty()), "class {index}");
        }
        assert_eq!((classes()[0].synset, classes()[0].names[0]), ("n01440764", "tench"));
        assert_eq!(
            (classes()[999].synset, classes()[999].names[0]),
            ("n15075141", "toilet tissue")
        );
    }

    #[test]
    fn the_five_breeds_are_where_the_published_indices_say() {
        for (synset, name, index) in [
            ("n02088364", "beagle", 162),
            ("n02108089", "boxer", 242),
            ("n02106662", "german_shepherd", 235),
            ("n02099601", "golden_retriever", 207),
            ("n02113624", "toy_poodle", 265),
        ] {
            assert_eq!(index_of_synset(synset), Some(index), "{synset}");
            assert_eq!(index_of_name(name), Some(index), "{name}");
        }
    }

    #[test]
    fn names_match_whatever_their_case_and_punctuation() {
        for (name, index) in [
            ("German Shepherd", Some(235)),
            ("german-shepherd", Some(235)),
            ("  German__shepherd_DOG ", Some(235)),
            ("alsatian", Some(235)),
            ("Shih-Tzu", Some(155)),
            ("soft coated wheaten terrier", Some(202)),
            ("shepherd", None),
            ("poodle", None),
            ("---", None),
            ("", None),
        ] {
            assert_eq!(index_of_name(name), index, "{name}");
        }
    }

    #[test]
    fn a_name_that_two_classes_share_matches_neither() {
        for name in ["crane", "maillot", "cardigan", "panda"] {
            assert!(indices_of_name(name).len() > 1, "{name}");
            assert_eq!(index_of_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_class_is_matched_by_what_is_given_then_by_name_then_by_file_names() {
        let classes = strings(&["beagle", "crane", "n02108089-Boxer", "poodle"]);
        let files = |label: &str| match label {
            "beagle" => strings(&["n02108089_1.jpg"]),
            "crane" => strings(&["train/crane/n02012849_1.jpg", "n02012849_2.JPEG"]),
            "poodle" => strings(&["n02113624_1001.jpg", "n02113624_999.jpg"]),
            _ => Vec::new(),
        };
        let found = match_classes(&classes, files, &BTreeMap::new()).unwrap();
        let found: Vec<_> =
            found.iter().map(|m| (m.imagenet_index, m.synset.as_str(), m.by)).collect();
        assert_eq!(
            found,
            [
                (162, "n02088364", MatchedBy::Name),
                (134, "n02012849", MatchedBy::FileNames),
                (242, "n02108089", MatchedBy::Name),
                (265, "n02113624", MatchedBy::FileNames),
            ]
        );

        let said = given(&[("poodle", "n02113799"), ("beagle", "n02088238")]);
        let found = match_classes(&classes, files, &said).unwrap();
        assert_eq!((found[0].imagenet_index, found[0].by), (161, MatchedBy::Given));
        assert_eq!((found[3].imagenet_index, found[3].by), (267, MatchedBy::Given));
    }

    #[test]
    fn an_unmatched_class_is_named_with_what_was_found_and_a_hint() {
        for (label, files, expected, candidates) in [
            (
                "poodle",
                &["n02113624_1.jpg", "n02113712_2.jpg"][..],
                "class `poodle` is not an ImageNet-1k class by name, and its files begin with \
                 n02113624, n02113712",
                &[("n02113624", "toy poodle"), ("n02113712", "miniature poodle")][..],
            ),
            (
                "poodle",
                &[],
                "class `poodle` is not an ImageNet-1k class by name, and it has no files",
                &[
                    ("n02113624", "toy poodle"),
                    ("n02113712", "miniature poodle"),
                    ("n02113799", "standard poodle"),
                ],
            ),
            (
                "crane",
                &["1.jpg"],
                "class `crane` is the name of several ImageNet-1k classes (n02012849, n03126707), and its file names \
                 begin with no synset",
                &[("n02012849", "crane"), ("n03126707", "crane")],
            ),
            (
                "my dog",
                &["n02113624_1.jpg", "2.jpg"],
                "class `my dog` is not an ImageNet-1k class by name, and its files begin with n02113624, or (1 of \
                 them) with no synset",
                &[("n02113624", "toy poodle")],
            ),
            (
                "xyzzy",
                &["n00000001_1.jpg"],
                "class `xyzzy` is not an ImageNet-1k class by name, and its files begin with n00000001, which is not \
                 one of ImageNet-1k's",
                &[],
            ),
        ] {
            let error = match_classes(&strings(&[label]), |_| strings(files), &BTreeMap::new())
                .unwrap_err();
            assert_eq!(error.to_string(), expected);
            let candidates = candidates.to_vec();
            assert_eq!(error.hints(), [Hint::Synset { class: label.into(), candidates, more: 0 }]);
        }
    }

    #[test]
    fn all_classes_that_mean_nothing_are_named_at_once() {
        let classes = strings(&["beagle", "Dackel", "Pudel", "Windhund"]);
        let error = match_classes(&classes, no_files, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.starts_with("class `Dackel` "), "{error}");
        assert!(error.ends_with("; to be given too: `Pudel`, `Windhund`"), "{error}");
    }

    #[test]
    fn a_mistyped_name_is_mended_and_another_language_is_not() {
        let candidates = |label: &str| {
            let error = match_classes(&strings(&[label]), no_files, &BTreeMap::new()).unwrap_err();
            match error.hints().as_slice() {
                [Hint::Synset { candidates, .. }] => candidates.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(candidates("begle"), [("n02088364", "beagle")]);
        assert_eq!(candidates("Boksery"), []);
    }

    #[test]
    fn a_given_synset_must_be_imagenets_and_its_class_must_be_there() {
        let classes = strings(&["beagle", "poodle"]);
        let error =
            match_classes(&classes, no_files, &given(&[("poodle", "n2113624")])).unwrap_err();
        assert!(
            error.to_string().starts_with("`n2113624`, given for class `poodle`, is not"),
            "{error}"
        );
        let named = match_classes(&classes, no_files, &given(&[("poodle", "Toy Poodle")])).unwrap();
        assert_eq!((named[1].imagenet_index, named[1].by), (265, MatchedBy::Given));
        // A single word is not a full name; the hint lists the names that contain it.
        let hint = |said| {
            match_classes(&classes, no_files, &given(&[said])).unwrap_err().hints().remove(0)
        };
        assert!(matches!(
            hint(("poodle", "cat")),
            Hint::Synset { class, candidates, .. }
                if class == "poodle" && candidates.contains(&("n02123045", "tabby cat"))
        ));
        assert!(matches!(hint(("poodle", "dog")), Hint::Synset { more: 1.., .. }));
        assert_eq!(hint(("podle", "n02113624")), Hint::DidYouMean("poodle".into()));
    }

    #[test]
    fn two_classes_that_mean_the_same_output_are_refused() {
        let classes = strings(&["alsatian", "German shepherd"]);
        let error = match_classes(&classes, no_files, &BTreeMap::new()).unwrap_err().to_string();
        assert!(
            error.contains("`alsatian` and `German shepherd` are both n02106662 (German shepherd)"),
            "{error}"
        );
    }

    #[test]
    fn only_names_of_imagenet_photos_count_as_pretrained_on() {
        let names = [
            "n02113624_1001.jpg",
            "test/poodle/n02088364_1.JPEG",
            "n00000001_1.jpg",
            "n02113624.jpg",
            "n02113624_.jpg",
            "n02113624_12",
            "n02113624_1a.jpg",
            "n021136240_1.jpg",
            "rex.jpg",
            "n02é.jpg",
            "",
        ];
        assert_eq!(pretraining_overlap(names), 2);
    }
}
