//! Finds circles between the files of one crate: file A uses an item that is defined in file B,
//! which uses one of C, and so on back to A.
//!
//! Reads the sources with `syn`. A name is followed through re-exports (`pub use` in `lib.rs` or
//! `mod.rs`) to the file that defines it. A file that only declares and re-exports its children
//! does not use them. Code under `#[cfg(test)]` is not looked at, and neither are calls of methods:
//! their names do not say whose they are.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use syn::Item;
use syn::visit::Visit;

use self::reader::{Import, Reader, attributes, is_for_tests, name, named_file};

mod reader;

/// The import circles of the crate with this root (`lib.rs` or `main.rs`), the shortest through
/// each file: `a.rs -> b.rs (Item) -> a.rs (other_item)`. Each arrow names the item that it uses.
pub fn circles(root: &Path) -> Vec<String> {
    let folder = root.parent().unwrap();
    let mut source = Source::default();
    source.read_file(root, folder, None);
    let uses = source.uses();
    let mut found = BTreeMap::new();
    for start in uses.keys() {
        if let Some(circle) = shortest_circle(&uses, start) {
            let files: BTreeSet<_> = circle.iter().map(|(file, _)| *file).collect();
            found.entry(files).or_insert(circle);
        }
    }
    let shown = |file: &Path| file.strip_prefix(folder).unwrap().display().to_string();
    let line = |circle: Vec<(&Path, &str)>| {
        let steps = circle.iter().map(|(file, item)| format!(" -> {} ({item})", shown(file)));
        format!("{}{}", shown(circle.last().unwrap().0), steps.collect::<String>())
    };
    found.into_values().map(line).collect()
}

/// For every file, the files that it uses, each with the name of one item that it takes from there.
type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

/// The shortest way from a file back to itself: the files after `start`, each with the item that
/// is taken from it. `start` is the last.
fn shortest_circle<'a>(uses: &'a Uses, start: &'a Path) -> Option<Vec<(&'a Path, &'a str)>> {
    let mut came_from: BTreeMap<&Path, (&Path, &str)> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for (next, item) in uses.get(file).into_iter().flatten() {
            if !came_from.contains_key(next.as_path()) {
                came_from.insert(next, (file, item));
                waiting.push_back(next);
            }
        }
    }
    let mut circle = Vec::new();
    let mut file = start;
    loop {
        let (before, item) = came_from.get(file)?;
        circle.push((file, *item));
        file = before;
        if file == start {
            circle.reverse();
            return Some(circle);
        }
    }
}

/// The modules of a crate. The first is its root.
#[derive(Default)]
struct Source {
    modules: Vec<Module>,
}

/// What one module declares, imports and mentions.
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// Every path in its code, single names among them.
    mentioned: BTreeSet<Vec<String>>,
}

/// What a path leads to.
enum Target {
    Module(usize),
    Item { module: usize, name: String },
}

impl Source {
    /// Reads a file and the files of its modules. `folder` is where its modules' files lie.
    fn read_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> usize {
        let text = std::fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.read_module(file, folder, parent, &parsed.items)
    }

    fn read_module(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
        items: &[Item],
    ) -> usize {
        let mut reader = Reader::default();
        items.iter().for_each(|item| reader.visit_item(item));
        let at = self.modules.len();
        let names = items.iter().filter(|item| !is_for_tests(attributes(item))).filter_map(name);
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            children: BTreeMap::new(),
            items: names.collect(),
            imports: reader.imports,
            mentioned: reader.mentioned,
        });
        for module in reader.modules {
            let name = module.ident.to_string();
            let inside = folder.join(&name);
            let child = match &module.content {
                Some((_, items)) => self.read_module(file, &inside, Some(at), items),
                None => {
                    let beside = folder.join(format!("{name}.rs"));
                    let named =
                        named_file(&module.attrs).map(|path| file.parent().unwrap().join(path));
                    let file = named.unwrap_or(if beside.exists() {
                        beside
                    } else {
                        inside.join("mod.rs")
                    });
                    self.read_file(&file, &inside, Some(at))
                }
            };
            self.modules[at].children.insert(name, child);
        }
        at
    }

    /// Which file uses which, without the modules that lie in one file.
    fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (at, module) in self.modules.iter().enumerate() {
            let mut add = |path: &[String], also_children: bool| {
                for target in self.resolve(at, path, &mut BTreeSet::new()) {
                    let Target::Item { module: home, name } = target else { continue };
                    let file = &self.modules[home].file;
                    if *file != module.file && (also_children || !self.is_within(home, at)) {
                        uses.entry(module.file.clone())
                            .or_default()
                            .entry(file.clone())
                            .or_insert(name);
                    }
                }
            };
            module.mentioned.iter().for_each(|path| add(path, true));
            module.imports.iter().for_each(|import| add(&import.path, !import.is_public));
        }
        uses
    }

    fn is_within(&self, module: usize, ancestor: usize) -> bool {
        module == ancestor
            || self.modules[module].parent.is_some_and(|parent| self.is_within(parent, ancestor))
    }

    /// What a path in a module leads to; nothing for a path into another crate. `seen` holds the
    /// names that are being looked up, against imports that lead back to themselves.
    fn resolve(
        &self,
        from: usize,
        path: &[String],
        seen: &mut BTreeSet<(usize, String)>,
    ) -> Vec<Target> {
        let mut at = from;
        let mut rest = path;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => at = 0,
                "self" => {}
                "super" => at = self.modules[at].parent.expect("`super` of a root"),
                _ => break,
            }
            rest = others;
        }
        let [first, others @ ..] = rest else { return vec![Target::Module(at)] };
        let found = self.find(at, first, seen);
        if others.is_empty() {
            return found;
        }
        // `name::rest`: into a module; behind a type stand its variants and functions.
        let inside = found.iter().find_map(|target| match target {
            Target::Module(module) => Some(self.resolve(*module, others, seen)),
            Target::Item { .. } => None,
        });
        inside.unwrap_or(found)
    }

    /// What a name means in a module: a module, an item, or both.
    fn find(&self, at: usize, name: &str, seen: &mut BTreeSet<(usize, String)>) -> Vec<Target> {
        let mut found = Vec::new();
        if !seen.insert((at, name.to_owned())) {
            return found;
        }
        let module = &self.modules[at];
        found.extend(module.children.get(name).map(|child| Target::Module(*child)));
        if module.items.contains(name) {
            found.push(Target::Item { module: at, name: name.to_owned() });
        }
        for import in &module.imports {
            match &import.name {
                Some(imported) if imported == name => {
                    found.extend(self.resolve(at, &import.path, seen))
                }
                Some(_) => {}
                None => {
                    for target in self.resolve(at, &import.path, seen) {
                        if let Target::Module(globbed) = target {
                            found.extend(self.find(globbed, name, seen));
                        }
                    }
                }
            }
        }
        seen.remove(&(at, name.to_owned()));
        found
    }
}
