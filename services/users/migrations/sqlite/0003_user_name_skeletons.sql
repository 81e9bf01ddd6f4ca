-- What user names that look alike have in common (UTS #39 §4), so that one of them is given out only. NULL: not known
-- yet, or somebody had a name that looks like it before names were compared in this way.
ALTER TABLE people ADD COLUMN user_name_skeleton TEXT;

-- The user_name_key that user_name_skeleton was made from. The version before writes neither: a row whose key is another
-- one is made up for by people/skeletons.
ALTER TABLE people ADD COLUMN user_name_skeleton_of TEXT;

CREATE UNIQUE INDEX people_user_name_skeleton ON people (user_name_skeleton);

CREATE INDEX people_without_skeleton ON people (id)
    WHERE user_name_skeleton_of IS NULL OR user_name_skeleton_of <> user_name_key;
