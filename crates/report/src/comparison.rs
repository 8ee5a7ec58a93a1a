//! Runs on the same test photos, side by side.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use kennel_core::{Manifest, Settings};
use kennel_metrics::{Evaluation, ValidationScore, holm, mcnemar_p, photos_to_separate};
use serde::Serialize;

use crate::p_value::LEVEL;
use crate::run::{TestSet, test_photos};
use crate::words::{Compared, Words};
use crate::{FinishedRun, LeftOut, RunSummary, settings};

/// A comparison of several runs.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Their classes, in the order of the logits.
    pub class_names: Vec<String>,
    /// Number of test photos, the same for all of them.
    pub test_photos: usize,
    /// Summaries, sorted by model, strategy, learning rate and seed.
    pub runs: Vec<RunSummary>,
    /// The trained run with the best validation accuracy, then the lower validation loss, then the
    /// newest.
    pub best: Option<String>,
    /// Every pair of runs, by p. Where a run repeats another, only the newest takes part.
    pub pairs: Vec<Pair>,
    /// Groups of runs that differ only in their seed.
    pub seeds: Vec<SeedGroup>,
    /// How many test photos it would take to tell the two best runs apart.
    pub power: Option<Power>,
    /// Runs that do not take part, with the reason.
    pub left_out: Vec<LeftOut>,
}

/// Two runs on the same test photos.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The run that is right on more photos; if equal, the one that comes first in the table.
    pub first: String,
    /// The other run.
    pub second: String,
    /// Photos that only the first gets right.
    pub only_first: usize,
    /// Photos that only the second gets right.
    pub only_second: usize,
    /// p of the exact McNemar test, two-sided.
    pub p: f64,
    /// `p` with Holm's correction over all pairs.
    pub p_holm: f64,
    /// The result in words.
    pub verdict: String,
}

/// The same run with several seeds. Accuracies are those on the test photos, in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedGroup {
    /// Model and strategy.
    pub label: String,
    /// The run of each seed.
    pub seeds: Vec<Seed>,
    /// Mean over the seeds.
    pub mean: f64,
    /// Standard deviation over the seeds, with n - 1.
    pub sd: f64,
}

/// One run of a [`SeedGroup`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// Name of the run.
    pub run: String,
    /// Test photos that it gets right.
    pub correct: usize,
    /// The same as a share.
    pub accuracy: f64,
}

/// How many test photos would tell the two best runs apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Power {
    /// The best run.
    pub first: String,
    /// The best run that is not the first with another seed.
    pub second: String,
    /// Photos that only the first gets right.
    pub only_first: usize,
    /// Photos that only the second gets right.
    pub only_second: usize,
    /// Number of test photos that there are.
    pub have: usize,
    /// Number of photos with which a paired test at 5 % finds, four times in five, a difference as
    /// large as the observed one; `None` if no difference was observed.
    pub need: Option<usize>,
    /// Whether the observed difference was evidence, although there are fewer photos than `need`.
    pub is_found: bool,
    /// The result in words.
    pub sentence: String,
}

impl Comparison {
    /// Compares the runs on the test photos of `photos`, or else on those of the newest trained run
    /// that has some. Leaves the other runs out, with the reason. Also returns the compared runs,
    /// in the comparison's order.
    ///
    /// # Panics
    ///
    /// When `runs` is empty.
    pub fn new(
        runs: Vec<FinishedRun>,
        mut left_out: Vec<LeftOut>,
        photos: Option<&Manifest>,
    ) -> (Self, Vec<FinishedRun>) {
        let (mut runs, others) = on_same_photos(runs, photos);
        left_out.extend(others);
        runs.sort_by(|a, b| by_place(a.settings(), b.settings()));
        let of_settings = settings::labels(&runs);
        let labels = labels(&runs, &of_settings);
        let summaries: Vec<RunSummary> =
            runs.iter().zip(labels).map(|(run, label)| RunSummary::new(run, label)).collect();
        let ranked = ranked(&runs);
        let pairs = pairs(&runs, &summaries);
        let comparison = Comparison {
            class_names: runs[0].facts().class_names.clone(),
            test_photos: runs[0].test.as_ref().map_or(0, |test| test.records.len()),
            best: ranked.first().map(|&index| runs[index].name()),
            power: power(&runs, &summaries, &ranked, &pairs),
            pairs,
            seeds: seed_groups(&runs, &of_settings),
            left_out,
            runs: summaries,
        };
        (comparison, runs)
    }

    /// Returns the summary of a run by its directory's name.
    pub fn run(&self, name: &str) -> Option<&RunSummary> {
        self.runs.iter().find(|run| run.name == name)
    }
}

/// Splits the runs into those on the reference test photos and the others, with the reason for
/// each. The reference is a run on the test photos of `photos`, or else the newest trained run that
/// has test photos. (An untouched head may have been run on any photos, so trained runs come
/// first.)
fn on_same_photos(
    runs: Vec<FinishedRun>,
    photos: Option<&Manifest>,
) -> (Vec<FinishedRun>, Vec<LeftOut>) {
    let sets: Vec<TestSet> = runs.iter().map(FinishedRun::test_set).collect();
    let is_asked = |set: &TestSet| photos.is_some_and(|photos| test_photos(photos) == set.photos);
    // Runs are sorted by time and `max_by_key` takes the last of equals, so the newest wins.
    let chosen = (0..runs.len()).max_by_key(|&index| {
        let is_trained = runs[index].settings().method.is_training();
        (is_asked(&sets[index]), !sets[index].photos.is_empty(), is_trained)
    });
    let reference = chosen.expect("the caller has runs");
    let name = runs[reference].name();
    let photos = runs[reference].photos_sha256();
    let differences: Vec<Option<String>> = runs
        .iter()
        .zip(&sets)
        .map(|(run, set)| difference(set, &sets[reference], || run.photos_sha256() == photos))
        .collect();
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for (run, difference) in runs.into_iter().zip(differences) {
        match difference {
            None => kept.push(run),
            Some(difference) => left_out.push(LeftOut {
                run: run.name(),
                reason: format!("{difference}, so it cannot be compared with {name}"),
                is_of_other_photos: true,
            }),
        }
    }
    (kept, left_out)
}

/// Returns how the classes or test photos of a run differ from those of the reference.
/// `has_same_photos`: whether all their photos together are the same.
fn difference(
    set: &TestSet,
    reference: &TestSet,
    has_same_photos: impl FnOnce() -> bool,
) -> Option<String> {
    let (classes, their_classes) = (set.class_names, reference.class_names);
    if classes != their_classes {
        let only = |what: &str, ours: &[String], theirs: &[String]| {
            let names: Vec<String> = ours
                .iter()
                .filter(|name| !theirs.contains(name))
                .map(|name| format!("`{name}`"))
                .collect();
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let differences = [
            only("it alone has", classes, their_classes),
            only("it lacks", their_classes, classes),
        ];
        return Some(format!(
            "its {} classes are others than the {} ({})",
            classes.len(),
            their_classes.len(),
            differences.into_iter().flatten().collect::<Vec<_>>().join("; ")
        ));
    }
    if set.photos == reference.photos {
        return None;
    }
    if set.photos.is_empty() {
        return Some("it has no predictions of test photos".into());
    }
    let shared = set.photos.iter().filter(|photo| reference.photos.contains(photo)).count();
    let division = match has_same_photos() {
        true => "it has the same photos in another division: ",
        false => "",
    };
    Some(format!(
        "{division}its {} test photos are not these {} ({shared} are in both)",
        set.photos.len(),
        reference.photos.len()
    ))
}

/// Orders the rows of the table.
fn by_place(a: &Settings, b: &Settings) -> Ordering {
    (&a.model, a.method)
        .cmp(&(&b.model, b.method))
        .then(a.learning_rate.total_cmp(&b.learning_rate))
        .then(a.seed.cmp(&b.seed))
}

/// Returns a short name for each run: that of its settings, plus as much as tells it apart.
fn labels(runs: &[FinishedRun], of_settings: &[String]) -> Vec<String> {
    let mut labels = of_settings.to_vec();
    for (run, label) in runs.iter().zip(&mut labels) {
        // Name the seed even where settings differ, too: its effect must not be taken for theirs.
        let kind = |run: &FinishedRun| (run.settings().model.clone(), run.settings().method);
        if runs
            .iter()
            .any(|other| kind(other) == kind(run) && other.settings().seed != run.settings().seed)
        {
            *label += &format!(", seed {}", run.settings().seed);
        }
    }
    let before = labels.clone();
    for (index, run) in runs.iter().enumerate() {
        if before.iter().filter(|other| **other == before[index]).count() > 1 {
            labels[index] += &format!(", {}", stamp(run));
        }
    }
    labels
}

/// Returns the part of a run's name that its label leaves out: `20260207_165541`, with `-2` if
/// another run began in that second.
fn stamp(run: &FinishedRun) -> String {
    let Settings { model, method, seed, .. } = run.settings();
    // The name has no seed if the seed does not matter.
    run.name().replacen(&format!("-{model}-{method}"), "", 1).replacen(&format!("-s{seed}"), "", 1)
}

/// Returns the trained runs with validation predictions, best first; of equals the newest first.
fn ranked(runs: &[FinishedRun]) -> Vec<usize> {
    let val = |index: &usize| {
        let Evaluation { accuracy, log_loss, .. } = &runs[*index].val.as_ref()?.evaluation;
        Some(ValidationScore { accuracy: accuracy.value, loss: *log_loss })
    };
    let mut ranked: Vec<usize> = (0..runs.len())
        .filter(|index| runs[*index].settings().method.is_training() && val(index).is_some())
        .collect();
    ranked.sort_by(|a, b| {
        let (Some(first), Some(second)) = (val(a), val(b)) else { return Ordering::Equal };
        second.compare(&first).then_with(|| runs[*b].began().cmp(&runs[*a].began()))
    });
    ranked
}

/// Counts the photos that only the first, and those that only the second, gets right. `None`
/// without test photos.
fn discordant(first: &FinishedRun, second: &FinishedRun) -> Option<(usize, usize)> {
    let (first, second) = (first.test.as_ref()?, second.test.as_ref()?);
    let both = || first.right().zip(second.right());
    Some((both().filter(|(a, b)| *a && !*b).count(), both().filter(|(a, b)| *b && !*a).count()))
}

/// Whether a newer run had the same start and the same results. Its pairs would repeat this run's,
/// and Holm's correction pays for each pair.
fn is_repeated(run: &FinishedRun, runs: &[FinishedRun]) -> bool {
    let is_repetition = |other: &FinishedRun| {
        let facts = other.facts();
        let weights = facts.weights_sha256.as_deref();
        other.began() > run.began()
            && run.record.is_repeated_by(other.settings(), &facts.manifest_sha256, weights)
            && discordant(run, other) == Some((0, 0))
    };
    runs.iter().any(is_repetition)
}

fn pairs(runs: &[FinishedRun], summaries: &[RunSummary]) -> Vec<Pair> {
    let single: Vec<(usize, &FinishedRun)> =
        runs.iter().enumerate().filter(|(_, run)| !is_repeated(run, runs)).collect();
    let mut found = Vec::new();
    for (place, &(a, first)) in single.iter().enumerate() {
        for &(b, second) in &single[place + 1..] {
            match discordant(first, second) {
                Some((only_first, only_second)) if only_second > only_first => {
                    found.push((b, a, only_second, only_first));
                }
                Some((only_first, only_second)) => found.push((a, b, only_first, only_second)),
                None => {}
            }
        }
    }
    let p_values: Vec<f64> =
        found.iter().map(|&(_, _, more, fewer)| mcnemar_p(more, fewer)).collect();
    let corrected = holm(&p_values);
    let mut pairs: Vec<Pair> = found
        .iter()
        .enumerate()
        .map(|(index, &(a, b, only_first, only_second))| Pair {
            first: summaries[a].name.clone(),
            second: summaries[b].name.clone(),
            only_first,
            only_second,
            p: p_values[index],
            p_holm: corrected[index],
            verdict: Words::ENGLISH.verdict(
                Compared {
                    labels: [&summaries[a].label, &summaries[b].label],
                    only: [only_first, only_second],
                },
                p_values[index],
                corrected[index],
                found.len(),
            ),
        })
        .collect();
    pairs.sort_by(|a, b| a.p.total_cmp(&b.p));
    pairs
}

/// Returns settings that are equal for runs that differ only in their seed.
fn without_seed(settings: &Settings) -> Settings {
    Settings { seed: 0, ..settings.clone() }
}

fn seed_groups(runs: &[FinishedRun], of_settings: &[String]) -> Vec<SeedGroup> {
    let mut groups: Vec<(Settings, &str, BTreeMap<u64, &FinishedRun>)> = Vec::new();
    let tested = |run: &FinishedRun| run.settings().method.is_training() && run.test.is_some();
    for (run, label) in runs.iter().zip(of_settings).filter(|(run, _)| tested(run)) {
        let key = without_seed(run.settings());
        let group = match groups.iter().position(|(other, ..)| *other == key) {
            Some(index) => &mut groups[index].2,
            None => &mut groups.push_mut((key, label, BTreeMap::new())).2,
        };
        // The same seed twice gives the same result, so the newest stands for both.
        let newest = group.entry(run.settings().seed).or_insert(run);
        if newest.began() < run.began() {
            *newest = run;
        }
    }
    groups.retain(|(.., seeds)| seeds.len() > 1);
    groups.into_iter().map(|(_, label, seeds)| seed_group(label, seeds.into_values())).collect()
}

fn seed_group<'a>(label: &str, runs: impl Iterator<Item = &'a FinishedRun>) -> SeedGroup {
    let seed = |run: &FinishedRun| {
        let accuracy = run.test.as_ref()?.evaluation.accuracy;
        let seed = run.settings().seed;
        Some(Seed { seed, run: run.name(), correct: accuracy.correct, accuracy: accuracy.value })
    };
    let seeds: Vec<Seed> = runs.filter_map(seed).collect();
    let n = seeds.len() as f64;
    let mean = seeds.iter().map(|seed| seed.accuracy).sum::<f64>() / n;
    let squares: f64 = seeds.iter().map(|seed| (seed.accuracy - mean).powi(2)).sum();
    SeedGroup { label: label.into(), seeds, mean, sd: (squares / (n - 1.0)).sqrt() }
}

fn power(
    runs: &[FinishedRun],
    summaries: &[RunSummary],
    ranked: &[usize],
    pairs: &[Pair],
) -> Option<Power> {
    let (&first, rest) = ranked.split_first()?;
    let key = without_seed(runs[first].settings());
    let &second = rest.iter().find(|&&index| without_seed(runs[index].settings()) != key)?;
    let (only_first, only_second) = discordant(&runs[first], &runs[second])?;
    let have = runs[first].test.as_ref()?.records.len();
    let need = photos_to_separate(only_first, only_second, have);
    let names = [runs[first].name(), runs[second].name()];
    let is_it = |pair: &&Pair| names.contains(&pair.first) && names.contains(&pair.second);
    let is_evidence = pairs.iter().find(is_it).is_some_and(|pair| pair.p_holm < LEVEL);
    // Power is how often the difference would be found. It can be low for a difference that was
    // found this time. The sentence then says so, to agree with the verdict.
    let is_found = is_evidence && need.is_some_and(|need| need > have);
    let labels = [&*summaries[first].label, &*summaries[second].label];
    let compared = Compared { labels, only: [only_first, only_second] };
    let sentence = Words::ENGLISH.power(compared, have, need, is_found);
    let [first, second] = names;
    Some(Power { first, second, only_first, only_second, have, need, is_found, sentence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_photos_in_another_division_are_called_so() {
        let class_names: Vec<String> = ["cat", "dog"].map(String::from).into();
        let set = |photos: &[&'static str]| TestSet {
            class_names: &class_names,
            photos: photos.iter().map(|sha256| (*sha256, "cat")).collect(),
        };
        let said = |is_same| difference(&set(&["a", "b"]), &set(&["b", "c", "d"]), || is_same);
        let test = "its 2 test photos are not these 3 (1 are in both)";
        assert_eq!(said(false).unwrap(), test);
        assert_eq!(
            said(true).unwrap(),
            format!("it has the same photos in another division: {test}")
        );
        assert_eq!(difference(&set(&["a"]), &set(&["a"]), || true), None);
    }
}
