//! Reads what one module declares, imports and mentions.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, ImplItem, Item, ItemMod, ItemUse, Lit, Macro, Meta, UseTree,
    Visibility,
};

/// One name, or one glob, of a `use` line.
pub struct Import {
    /// The name that it brings into the module; `None` for a glob.
    pub name: Option<String>,
    pub path: Vec<String>,
    pub is_public: bool,
}

/// Collects what the code of one module imports and mentions, and the modules that it declares.
#[derive(Default)]
pub struct Reader {
    pub modules: Vec<ItemMod>,
    pub imports: Vec<Import>,
    /// Every path in its code, single names among them.
    pub mentioned: BTreeSet<Vec<String>>,
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if is_for_tests(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        self.modules.push(module.clone());
    }

    fn visit_item_use(&mut self, import: &'a ItemUse) {
        // `use ::name` leads out of the crate.
        if import.leading_colon.is_none() {
            let is_public = !matches!(import.vis, Visibility::Inherited);
            self.import(&import.tree, &mut Vec::new(), is_public);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() {
            self.mentioned
                .insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        self.visit_path(&call.path);
        self.mention(call.tokens.clone());
    }
}

impl Reader {
    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>, is_public: bool) {
        let mut add = |name: Option<String>, path: Vec<String>| {
            // `use module::{self}` brings the module.
            let path = if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                path[..path.len() - 1].to_vec()
            } else {
                path
            };
            let name =
                name.map(|name| if name == "self" { path.last().unwrap().clone() } else { name });
            self.imports.push(Import { name, path, is_public });
        };
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.import(&part.tree, path, is_public);
                path.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, path, is_public));
            }
            UseTree::Name(part) => {
                let name = part.ident.to_string();
                add(Some(name.clone()), [path.as_slice(), &[name]].concat());
            }
            UseTree::Rename(part) => {
                add(
                    Some(part.rename.to_string()),
                    [path.as_slice(), &[part.ident.to_string()]].concat(),
                );
            }
            UseTree::Glob(_) => add(None, path.clone()),
        }
    }

    /// Finds paths among the tokens of a macro call: names with `::` between them.
    fn mention(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(part) => {
                    if colons != 2 && !path.is_empty() {
                        self.mentioned.insert(std::mem::take(&mut path));
                    }
                    path.push(part.to_string());
                    colons = 0;
                }
                TokenTree::Punct(sign) if sign.as_char() == ':' => colons += 1,
                other => {
                    if !path.is_empty() {
                        self.mentioned.insert(std::mem::take(&mut path));
                    }
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.mention(group.stream());
                    }
                }
            }
        }
        if !path.is_empty() {
            self.mentioned.insert(path);
        }
    }
}

/// The attributes of an item; none of the kinds that Kennel does not write.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The name that an item defines in its module.
pub fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Whether a `#[cfg]` keeps something out of all builds but those of tests.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        attribute.path().is_ident("cfg")
            && condition
                .is_ok_and(|condition| condition == "test" || condition.starts_with("all (test"))
    })
}

/// The file of a module that `#[path = ".."]` names, or the first of `#[cfg_attr(.., path =
/// "..")]`.
pub fn named_file(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let text = list.tokens.to_string();
            let (_, path) = text.split_once("path = \"")?;
            Some(path.split('"').next()?.to_owned())
        }
        _ => None,
    })
}
