"""What Alembic runs in place of a project's env.py: the caller's connection, inside the caller's transaction."""

from alembic import context

settings = context.config.attributes
context.configure(connection=settings["connection"], version_table=settings["version_table"], transactional_ddl=True)
context.run_migrations()
