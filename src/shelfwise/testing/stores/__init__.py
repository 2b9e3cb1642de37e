"""What the records store keeps, whichever database is behind it.

class TestMyDatabase(EventLogContract, CatalogueContract, …):
    def database(self) -> AbstractContextManager[str]:
        return my_own_database()
"""
