"""Studies: keep them, look at what they describe."""

from autogrid.core.study import parse_study
from autogrid.store import studies
from services.api.access import TRADER, VIEWER, open_to
from services.api.deps import Db, Id, Who
from services.api.paging import Page, Paged
from services.api.route import router
from services.api.studies.models import NewStudy, Preview, Question, Study
from services.api.studies.preview import preview

routes = router("/v1/studies", "studies")


@routes.get("", **open_to(VIEWER, 422))
def list_studies(page: Paged, who: Who, db: Db) -> Page[Study]:
    """Your studies."""
    with db.read() as connection:
        return page.of(lambda row: Study(**row), lambda at, limit: studies.listing(connection, who.sees, at, limit))


@routes.post("", status_code=201, **open_to(TRADER, idempotent=True))
def add_study(new: NewStudy, who: Who, db: Db) -> Study:
    """Keep a study."""
    fingerprint = parse_study(new.text).fingerprint()
    with db.begin() as connection:
        return Study(**studies.add(connection, who.id, new.name, new.text, fingerprint))


@routes.post("/check", **open_to(VIEWER, 422))
def check_study(question: Question, db: Db) -> Preview:
    """The levels, amounts and cash of a study's grid, or what is wrong with it. Nothing is stored or run."""
    with db.begin() as connection:
        return preview(connection, parse_study(question.text), question.price)


@routes.get("/{study_id:int}", **open_to(VIEWER, 404, 422))
def get_study(study_id: Id, who: Who, db: Db) -> Study:
    """One study."""
    with db.read() as connection:
        return Study(**studies.get(connection, study_id, who.sees))


@routes.put("/{study_id:int}", **open_to(TRADER, 404, 409, 422))
def replace_study(study_id: Id, new: NewStudy, who: Who, db: Db) -> Study:
    """Another name and text. Jobs and passports keep the text they were made from."""
    fingerprint = parse_study(new.text).fingerprint()
    with db.begin() as connection:
        return Study(**studies.replace(connection, study_id, who.sees, new.name, new.text, fingerprint))


@routes.delete("/{study_id:int}", status_code=204, **open_to(TRADER, 404, 422))
def delete_study(study_id: Id, who: Who, db: Db) -> None:
    """Delete a study; jobs and passports made from it stay."""
    with db.begin() as connection:
        studies.remove(connection, study_id, who.sees)
