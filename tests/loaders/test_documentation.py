from loaders.documentation import markdown
from loaders.tables import TABLES


def test_every_column_of_every_table_is_documented_with_its_values():
    text = markdown()

    for table in TABLES.values():
        assert f"## {table.name} " in text
        assert all(f"| {column.name} |" in text or f"| **{column.name}** |" in text for column in table.columns)
    assert "| **kind** | what the customer is in law | person, company, institution |" in text
