"""Git's hooks: which tests a push runs, and the hook of a bare repository that deploys."""
