// What the playground opens with: a first query that works for everybody, then the life of a
// project in the order in which a newcomer wants it.
const tab = (query, variables) => ({
  query: `${query.trim()}\n`,
  variables: variables && JSON.stringify(variables, null, 2),
});

export const TABS = [
  tab(`
# Welcome to Mooring. Press ▶ (Ctrl-Enter): this needs no sign-in, and shows what you can do here and what each error asks of you.
#
# 1. Press “Sign in” at the top right. \`mooring dev\` shows a ready-made sign-in in its terminal; “Sign up” makes one of your own.
# 2. Go through the tabs: create a project, list, watch, stop, start, delete.
# 3. Open the Live panel (the pulse icon) to see your projects change meanwhile.
query Welcome {
  __schema {
    mutationType {
      fields {
        name
        description
      }
    }
  }
  errorCodes {
    code
    description
    retryable
  }
}
`),
  tab(
    `
# Put a login (3 to 32 of a-z, 0-9 and -) and a password (10 characters or more) under Variables. The answer signs you in here, which uses its refreshToken up. “Sign in” at the top right has the same as a form.
mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    credentials {
      accessToken
      refreshToken
      expiresAt
      user {
        login
      }
    }
    errors {
      field
      message
    }
  }
}
`,
    { input: { login: "", password: "" } },
  ),
  tab(
    `
# Makes a sandbox and a database unless you name others, and answers at once with CREATING; the work goes on behind it: see the Live panel or the next tabs. With an idempotencyKey you may safely send it again when you do not know whether the first one arrived.
mutation CreateProject($input: CreateProjectInput!, $idempotencyKey: String) {
  createProject(input: $input, idempotencyKey: $idempotencyKey) {
    project {
      id
      name
      status
      generation
      sandboxes {
        id
        name
        status
      }
      databases {
        id
        name
        status
      }
    }
    errors {
      field
      code
      message
    }
  }
}
`,
    { input: { name: "hello" } },
  ),
  tab(`
# What you have, newest first. \`why\` is there when something is not as you want.
query MyProjects {
  me {
    login
  }
  projects(first: 20) {
    nodes {
      id
      name
      status
      desiredState
      converged
      sandboxes {
        id
        name
        status
        publicUrl
        ...Why
      }
      databases {
        id
        name
        status
        version
        endpoint {
          host
          port
        }
        ...Why
      }
    }
  }
}

fragment Why on Resource {
  why {
    reason
    message
    object
    turn
    remedy
    since
    nextAttemptAt
  }
}
`),
  tab(`
# Runs until you press ■ or change tabs (the Live panel goes on meanwhile); each event is added on top: a SNAPSHOT of each project, SYNCED, then each change as it happens. Give the last cursor as \`after\` to go on from there.
subscription Watch($after: String) {
  projectsChanged(after: $after) {
    kind
    cursor
    project {
      id
      name
      status
      converged
    }
    change {
      at
      action
      subjectType
      subjectName
      fromStatus
      toStatus
      reason
      actor {
        kind
        name
      }
    }
    deletedId
  }
}
`),
  tab(
    `
# Put the project's id under Variables (the Live panel has “Copy id”), press ▶ and choose. Each writes down what you want and answers at once; repeating one changes nothing.
mutation Stop($id: ID!) {
  stopProject(id: $id) {
    project {
      ...Now
    }
  }
}

mutation Start($id: ID!) {
  startProject(id: $id) {
    project {
      ...Now
    }
  }
}

# Cannot be taken back: sandboxes, databases and all their data go too.
mutation Delete($id: ID!) {
  deleteProject(id: $id) {
    project {
      ...Now
    }
  }
}

fragment Now on Project {
  id
  name
  status
  desiredState
  generation
}
`,
    { id: "" },
  ),
];
