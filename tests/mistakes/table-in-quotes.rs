use lback::sqlite::prelude::*;

diesel::table! {
    articles (id) {
        id -> BigInt,
        title -> Text,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
pub struct Article {
    pub id: i64,
    pub title: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = articles)]
pub struct NewArticle {
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = articles)]
pub struct ArticleChanges {
    pub title: Option<String>,
}

impl Validate for NewArticle {}
impl Validate for ArticleChanges {}

#[repository(entity = Article, table = "articles", insert = NewArticle, update = ArticleChanges, connection = SqliteConnection)]
#[derive(Clone, Debug, Default)]
pub struct Articles;

fn main() {}
